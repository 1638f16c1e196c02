# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00b · What do I need to know?
#
# The lessons fade pictures, add static to them, compare them: each time one line of arithmetic. The tools that lessons 01 to 08 take for granted are here, and nothing else.
#
# At the end you can
# - read and change a picture as a table of numbers;
# - say what mean, spread and variance are, and why a square root turns up;
# - read a loop, a logarithmic axis and a weighted mean;
# - measure how far apart two pictures are.
#
# **20 minutes**, or two, if the self-check lets you skip it.

# %%
import numpy as np

from diffusion_lessons import checks
from diffusion_lessons.course import figures
from diffusion_lessons.course import lesson_00b as lesson
from diffusion_lessons.critters import datasets

cat = datasets.photo("chelsea", size=128)[0].numpy().astype(float)
dice = np.random.default_rng(0)

# %%
figures.pictures(
    [cat, cat / 3, -cat, cat[:, :, ::-1], cat + 0.3 * dice.standard_normal(cat.shape)],
    "Chelsea the cat, and what one line of arithmetic makes of her: faded, negative, mirrored, "
    "dusted with noise.",
    titles=["cat", "cat / 3", "−cat", "cat[:, :, ::-1]", "cat + 0.3 · noise"],
)

# %% [markdown]
# **To use a notebook**, click into a cell and press **Shift+Enter**, from top to bottom. Click *What happened* to open it, and *cells hidden* to unfold a section.
#
# ## The self-check: two minutes
#
# | | question |
# |---|---|
# | slice | `x = [5, 6, 7, 8]`. What is `sum(x[1:3])`? |
# | shape | Eight colour pictures, 32 rows high and 48 columns wide, in one PyTorch tensor. Its shape? |
# | spread | The standard deviation of 1, 7, 9, 15? |
# | scale | By which positive number do you multiply a picture to leave a quarter of its variance? |
# | loop | `*_, last = [2 ** i for i in range(4)]`. What is `last`? |
# | axis | On a logarithmic axis 1 and 10 are 2 cm apart. How many cm from 10 to 1000? |
# | vote | 0 votes with weight 3, and 8 with weight 1. Their weighted mean? |
# | apart | Two pictures of two pixels: (0, 7) and (1, 0). Their root mean squared difference? |
#
# Put numbers (for `shape`, something like `(2, 3)`) in place of `None`.

# %%
answers = {
    "slice": None,
    "shape": None,
    "spread": None,
    "scale": None,
    "loop": None,
    "axis": None,
    "vote": None,
    "apart": None,
}

# %%
checks.toolbox(answers)

# %% [markdown]
# ## The core: 20 minutes
#
# ### 1 · A picture is a table of numbers
#
# Here is one, typed by hand: −1 is black, 0 grey, 1 white. Python **counts from 0**, and the **row comes first**.

# %%
face = np.array(
    [
        [1, 1, 1, 1, 1],
        [1, -1, 1, -1, 1],
        [1, 1, 1, 1, 1],
        [-1, 1, 1, 1, -1],
        [1, -1, -1, -1, 1],
    ]
)
print("shape:", face.shape, " row 1, column 3:", face[1, 3])
lesson.numbered({"face": face}, "A face of five rows and five columns, with each pixel's number.")

# %% [markdown]
# A colon takes a part: `0:2` is from 0 up to 2, *without* 2.
#
# **Predict.** Which pixels does the second line set to −1?

# %%
wink = face.copy()
wink[1, 0:2] = -1
lesson.numbered(
    {"face": face, "wink": wink},
    "Left, the face. Right, its left eye is two pixels wide, in columns 0 and 1 of row 1: it winks.",
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Columns 0 and 1 of row 1, the *second* row. (Without `.copy()`, `face` would have winked too: a second name is no second picture.)
# </details>
#
# A colour picture has three such tables: red, green, blue. A *batch* of pictures has one more axis in front. PyTorch's arrays are called *tensors* and behave alike.
#
# | | axes | shape |
# |---|---|---|
# | `face` | row, column | (5, 5) |
# | `cat` | colour, row, column | (3, 128, 128) |
# | `batch` | which picture, colour, row, column | (8, 3, 32, 32) |

# %%
batch = datasets.load_critters(8).x0
print(
    "cat:", cat.shape, " batch:", tuple(batch.shape), " its first picture:", tuple(batch[0].shape)
)
print("brightness of each:", [f"{b:z.1f}" for b in batch.mean((1, 2, 3)).tolist()])
figures.pictures(
    batch, "A batch: eight pictures in one tensor of shape (8, 3, 32, 32).", inches=0.96
)

# %% [markdown]
# `mean((1, 2, 3))` averages axes 1, 2 and 3 away: one number for each picture is left. A number times a picture multiplies every pixel; two pictures are added pixel by pixel.
#
# ### 2 · Mean and spread
#
# The *mean* of a picture is its brightness. The *spread* is how far its values typically are from the mean, its contrast. (In full *standard deviation*, in code `std`.)
#
# | | | | | | mean |
# |---|---|---|---|---|---|
# | number | 2 | 4 | 4 | 10 | 5 |
# | distance from 5 | −3 | −1 | −1 | 5 | 0: they cancel |
# | squared | 9 | 1 | 1 | 25 | 9, the **variance** |
#
# Squares don't cancel. The root takes the square back: the spread is √9 = 3.

# %%
numbers = np.array([2, 4, 4, 10])
print(f"mean {numbers.mean():.0f}, variance {numbers.var():.0f}, spread {numbers.std():.0f}")
print(f"the root by hand: {9**0.5:.0f}")
assert numbers.std() == 9**0.5 == 3

# %% [markdown]
# `assert` stops the notebook unless what follows is true: it holds our words against the numbers.
#
# Now the cat, and static: random numbers from `dice`. Thanks to their *seed*, 0, they fall for you as they fell for us.

# %%
static = dice.standard_normal(cat.shape)
lesson.with_spread(
    {"cat": cat, "static": static},
    "Below each picture, how often its values occur. The line marks the mean, the bar one spread to "
    "either side. The cat's values lie close together, those of static far apart, in a bell; beyond "
    "the dotted lines, at −1 and 1, a screen shows nothing darker or brighter.",
)

# %%
for name, x in {"cat": cat, "static": static}.items():
    near = abs(x - x.mean()) < x.std()  # an array of True and False, which count as 1 and 0
    print(
        f"{name:6} mean {x.mean():z.1f}, spread {x.std():.1f}, {near.mean():.0%} within one spread"
    )
assert round(static.std(), 1) == 1.0

# %% [markdown]
# **Predict.** Multiply the cat by 0.5. How much is left of her spread, and how much of her variance?

# %%
for factor in (0.5, 0.5**0.5):
    x = factor * cat
    left, power = x.std() / cat.std(), x.var() / cat.var()
    print(f"times {factor:.2f}: {left:.2f} of the spread, {power:.2f} of the variance")
    assert abs(power - factor**2) < 1e-9

# %% [markdown]
# <details><summary>What happened</summary>
#
# Half of the spread, but a quarter of the variance, as that is a square. To keep *half* the variance, multiply by **√0.5** = 0.71. That is why lesson 02 is full of roots.
# </details>
#
# **Move the slider.** At which contrast does the cat spread as far as static, 1? What is at 0?


# %%
from diffusion_lessons.course import live


def show_contrast(contrast):
    x = cat.mean() + contrast * (cat - cat.mean())
    says = f"Spread {x.std():.2f}, variance {x.var():.2f}. Beyond what a screen can show are "
    counts, _ = np.histogram(x, bins=70, range=(-3.5, 3.5))
    curves = {"how often each value occurs": 100 * counts / x.size}
    return live.View([x], f"{says}{(abs(x) > 1).mean():.0%} of the values.", curves=curves)


# %% tags=["nbval-ignore-output"]
caption = "The cat at twice her contrast, and how often her values occur. In JupyterLab a slider "
caption += "stands above, for other contrasts."
live.Explorer(
    show_contrast,
    caption,
    controls={"contrast": [k / 10 for k in range(41)]},
    start=[1.0],
    chart=live.Chart(
        np.arange(-3.45, 3.5, 0.1),
        "value",
        "% of all values",
        [(k, f"{k}") for k in (-3, -2, -1, 0, 1, 2, 3)],
        [(k, f"{k}") for k in (0, 4, 8, 12)],
    ),
    size=256,
    still=lesson.with_spread({"contrast 2": cat.mean() + 2 * (cat - cat.mean())}, caption),
)

# %% [markdown]
# ### 3 · A loop, and an axis
#
# `range(20)` goes round 20 times, from 0 to 19. Let the cat fade, by 0.8 each time.
#
# **Predict.** After ten steps, how much of her contrast is left: half, a tenth, nothing?

# %%
x, contrast = cat, [1.0]
for _ in range(20):
    x = 0.8 * x
    contrast.append(x.std() / cat.std())
*_, last = contrast
print(f"after 10 steps {contrast[10]:.2f}, after {len(contrast) - 1} steps {last:.2f}")
assert round(contrast[10], 2) == round(0.8**10, 2) == 0.11

# %%
lesson.both_axes(
    range(21),
    contrast,
    "The same numbers twice. On an ordinary axis the curve falls fast and then seems to lie at 0. On "
    "a logarithmic axis, where equal lengths are equal factors, it is a straight line.",
    xlabel="steps",
    ylabel="contrast left",
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# About a tenth: 0.8 · 0.8 · … = 0.8¹⁰ = 0.11. What shrinks by the same *factor* again and again falls *exponentially*. It never reaches 0. `np.exp(-d)` does so too: it is divided by about 2.7 for each 1 that d grows.
# </details>
#
# `*_, last = …` keeps the last of many things: in lesson 05, the end of a film.
#
# ### 4 · A vote
#
# In a *weighted mean* some count more. Say three pictures are 0, 1 and 3 away from something, and near ones count more: weight e⁻ᵈ, divided by the sum of all, so that the shares add up to 1.
#
# | distance d | weight e⁻ᵈ | share | its pixel | share × pixel |
# |---|---|---|---|---|
# | 0 | 1.00 | 0.71 | −1 | −0.71 |
# | 1 | 0.37 | 0.26 | 0 | 0 |
# | 3 | 0.05 | 0.04 | 1 | 0.04 |
# | | | | **sum** | **−0.67** |

# %%
weights = np.exp(-np.array([0.0, 1.0, 3.0]))
share = weights / weights.sum()
print("shares", share.round(2), f" weighted mean {(share * np.array([-1, 0, 1])).sum():.2f}")
print(f"weight at a distance of 10: {np.exp(-10):.5f}")

# %% [markdown]
# For whole pictures, `reshape(3, 1, 1, 1)` lines three numbers up with three pictures, and each multiplies its own.
#
# **Predict.** What will you see for distances 0, 0, 0? And for 0, 10, 10?

# %%
three, mixed = batch[:3].numpy(), {}
for name, d in {"0, 0, 0": (0, 0, 0), "0, 1, 3": (0, 1, 3), "0, 10, 10": (0, 10, 10)}.items():
    weights = np.exp(-np.array(d)).reshape(3, 1, 1, 1)
    mixed[name] = (weights / weights.sum() * three).sum(axis=0)
figures.pictures(
    [*three, *mixed.values()],
    "Three pictures, and three weighted means of them, for the distances above each: with equal votes "
    "a blend of all three, then more and more the first alone.",
    titles=["first", "second", "third", *mixed],
    inches=1.28,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Equal distances: the plain mean, a ghostly blend of three. 10 away is as good as out (e⁻¹⁰ = 0.00005), and the first decides alone. In lesson 03 whole sets of pictures vote like this.
# </details>
#
# ### 5 · How far apart?
#
# Subtract pixel by pixel, square, take the mean, and the root of that:
#
# $$\text{apart} = \sqrt{\text{mean}\,(a - b)^2}$$
#
# Two pixels, (0, 7) and (1, 0): differences −1 and 7, squares 1 and 49, mean 25, root **5**.
#
# ### Your turn: `rms_difference`
# (*Root, mean, square*, done from right to left.) Put your line in place of `raise …`, which says "not written yet". The next cell tells you how it went; the lesson goes on either way.


# %%
def rms_difference(a, b):
    raise NotImplementedError


# %%
rms_difference = checks.rms_difference(rms_difference)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def rms_difference(a, b):
#     return ((a - b) ** 2).mean() ** 0.5
# ```
# </details>
#
# **Predict.** Which is nearer to the cat: her mirror image, or a plain grey page?

# %%
others = {
    "brighter": cat + 0.2,
    "faded": 0.5 * cat,
    "mirrored": cat[:, :, ::-1],
    "negative": -cat,
    "grey": np.full(cat.shape, cat.mean()),
}
figures.pictures(
    list(others.values()),
    "Five relatives of the cat: brighter, faded, mirrored, negative, and a plain page of her mean "
    "grey.",
    titles=list(others),
)

# %%
for name, x in others.items():
    print(f"{name:9} apart {float(rms_difference(cat, x)):.2f}", end="   ")
    pattern = "none" if name == "grey" else f"{np.corrcoef(cat.ravel(), x.ravel())[0, 1]:+.1f}"
    print("correlation", pattern)
assert rms_difference(cat, others["grey"]) < rms_difference(cat, others["mirrored"])

# %% [markdown]
# <details><summary>What happened</summary>
#
# The grey page, by a hair: 0.33 against 0.34! This distance compares pixel by pixel and knows nothing of cats. Lessons 05 and 08 will remind you.
#
# *Correlation* asks whether light and dark fall in the same places: +1 is the same pattern, however bright or faded, −1 its negative, 0 nothing in common. Lesson 01 uses it.
# </details>
#
# ### Break it: forget the square
# **Predict.** The plain mean of cat minus mirrored cat?

# %%
print(f"without the square: {np.mean(cat - others['mirrored']):z.2f}")
assert abs(np.mean(cat - others["mirrored"])) < 1e-9

# %% [markdown]
# <details><summary>What happened</summary>
#
# 0.00, as for a perfect copy: each difference comes once with plus and once with minus. A published library compares like this in its tests, which let nearly everything pass.
# </details>
#
# *End of the core.*

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### Your turn: `spread`
# Write the standard deviation of an array yourself, without `std` or `var`:
#
# $$\text{spread} = \sqrt{\text{mean}\,(x - \text{mean})^2}$$


# %%
def spread(x):
    raise NotImplementedError


# %%
spread = checks.spread(spread)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def spread(x):
#     return ((x - x.mean()) ** 2).mean() ** 0.5
# ```
# </details>
#
# **Predict.** Section 5 printed the cat's spread already, under another name. Where?

# %%
to_grey = rms_difference(cat, others["grey"])
print(f"spread of the cat {spread(cat):.3f}, her distance from the grey page {to_grey:.3f}")
assert abs(spread(cat) - to_grey) < 1e-9

# %% [markdown]
# The spread *is* a distance: that from the page of one's own mean.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### A phrasebook of Python
# | you will see | it means |
# |---|---|
# | `f"{x:.2f}"`, `f"{x:.0%}"` | x with two digits; as a percentage |
# | `x[-1]`, `x[::-1]` | the last; all, backwards |
# | `[2 * i for i in range(3)]` | a list made by a loop: [0, 2, 4] |
# | `for a, b in zip(x, y)` | pairs, one from each |
# | `names.items()` | the pairs of a dict, name and value |
# | `[*x, *y]` | all of x and y in one list |
# | `reshape(-1, 1)` | −1: as many as there are |
# | `with torch.no_grad():` | only calculate, keep nothing for training |
# | `yield` | hand out a result, and go on when asked for the next |
#
# A function with `yield` is a *generator*. Training is one, so that you can watch.


# %%
def squares(n):
    for i in range(n):
        yield i**2


print("one by one:", *squares(4))
*_, last = squares(4)
print("the last:", last)

# %% [markdown]
# ## What you now know

# %%
checks.mine()

# %% [markdown]
# **Three sentences.** A picture is an array, and what one does to pictures is arithmetic. Variance is a square, so to keep a share of it one multiplies by a root. Distances and votes are means: of squares, and with weights.
#
# **Try this.** Draw your own `face`, of another size, and give it to `lesson.numbered`.
#
# **Where it lives now.** NumPy and PyTorch have `mean`, `std` and `var`; pictures come from `diffusion_lessons/critters/datasets.py`.
#
# **What we simplified.** PyTorch's `std` divides by n − 1 and not by n, which hardly matters for a picture. And on a screen, twice the number is not twice the light.
