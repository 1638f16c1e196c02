# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · What is noise?
#
# A picture model starts from static and ends with a cat. Let us walk the other way first: from a cat
# to static, with nothing but adding.
#
# **After the core (25 minutes)** you can
# - change a photo as a table of numbers without breaking it;
# - say what noise does that shuffling and blurring don't;
# - work out how far a thousand small pushes carry a pixel, and why a model can't simply keep adding.

# %%
import numpy as np
from skimage.filters import gaussian

from diffusion_lessons import checks, metrics
from diffusion_lessons.course import figures, interactive
from diffusion_lessons.course import lesson_01 as lesson
from diffusion_lessons.critters import datasets

# %%
rng = np.random.default_rng(0)
x0 = datasets.photo("chelsea", size=128)[0].numpy().astype(float)
eps = rng.standard_normal(x0.shape)
figures.pictures(
    [x0 + strength * eps for strength in (0, 0.1, 0.3, 1, 3)],
    "Chelsea the cat, and the same static added more and more strongly, from left to right: a "
    "clear photo, a little dust, a grainy cat, a ghost of a cat, static.",
    titles=["clear photo", "noise 0.1", "noise 0.3", "noise 1", "noise 3"],
)

# %% [markdown]
# ## The core: 25 minutes
# ### A photo is a table of numbers
# Every pixel holds three numbers, for red, green and blue, from 0 (none) to 255 (full).

# %%
pixels = datasets.to_pixels(datasets.photo("chelsea", size=128))[0]
print(f"{pixels.shape} are {pixels.size:,} numbers, from {pixels.min()} to {pixels.max()}")
print("row 46, column 38:", pixels[46, 38])
lesson.zoomed(
    pixels,
    44,
    36,
    6,
    "Left, the photo with a small white square at the cat's eye. Right, the 36 pixels in that "
    "square, each with its red, green and blue number: in the dark ones all three are small.",
)

# %% [markdown]
# ### Change one pixel
# Noise is a number added to each of these numbers. Take one bright blue pixel:
#
# | | red | green | blue |
# |---|---|---|---|
# | pixel | 0 | 120 | 255 |
# | noise | +15 | −30 | +5 |
# | sum | 15 | 90 | **260** |
#
# **Predict.** A photo keeps each number in one byte (`uint8`), which ends at 255. What will it make
# of 260: 255, an error, or something else?

# %%
pixel = np.array([0, 120, 255], dtype=np.uint8)
total = pixel + np.array([15, -30, 5])
print("the sum: ", total)
print("in bytes:", total.astype(np.uint8))
print("-30 in a byte:", np.array(-30).astype(np.uint8))
assert total.astype(np.uint8).tolist() == [15, 90, 4]

# %% [markdown]
# <details><summary>What happened</summary>
#
# **4**. A byte counts like a clock: after 255 comes 0 again, and 260 − 256 = 4. Below 0 it goes round
# the other way: −30 is 226. The brightest blue turned into almost none, without an error.
# </details>
#
# ### Break it
# Now do that to the whole photo, with whole numbers from −60 to 60. Look at the dark pupils.

# %%
noise = rng.integers(-60, 61, pixels.shape)
broken = (pixels + noise).astype(np.uint8)
wrapped = (pixels + noise < 0) | (pixels + noise > 255)
print(f"{100 * wrapped.mean():.0f} % of the numbers went round the clock")
figures.pictures(
    [pixels, broken],
    "Left, the photo. Right, with the noise put straight into bytes: in the pupils, around the eyes "
    "and in the nostrils there are glaring specks, because what fell below 0 came back near 255.",
    titles=["clear photo", "wrapped around"],
    inches=2.4,
)

# %% [markdown]
# Those specks are a bug, not noise: adding at most 60 never turns black into white. A published
# tutorial has it.
#
# ### Exercise: keep it in range
# Write `add_and_clip`: what falls below 0 becomes 0, what passes 255 becomes 255.
#
# $$\text{result} = \operatorname{clip}(\text{pixels} + \text{noise},\ 0,\ 255)$$
#
# Bytes go in, bytes come out. When do they have to be something roomier?


# %%
def add_and_clip(pixels, noise):
    """uint8 pixels + whole numbers of noise, kept in 0 … 255, as uint8."""
    raise NotImplementedError


# %%
add_and_clip = checks.add_and_clip(add_and_clip)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def add_and_clip(pixels, noise):
#     total = pixels.astype(int) + noise
#     return np.clip(total, 0, 255).astype(np.uint8)
# ```
# </details>

# %%
figures.pictures(
    [add_and_clip(pixels, noise)],
    "The same noise, clipped: a grainy cat. Its pupils are dark again, without a glaring speck.",
    titles=["clipped"],
    inches=2.4,
)

# %% [markdown]
# ### Floats: room at both ends
# Clipping loses something, so do it once, at the end, for the screen. Until then use *floats*
# (numbers with a fraction) around 0:
#
# | pixel | 0 | 127.5 | 255 |
# |---|---|---|---|
# | x = pixel / 127.5 − 1 | −1 | 0 | 1 |
#
# 1.3 is allowed on the way. `x0` above is the photo on this scale. `eps`, ε (epsilon), is static: a
# random number for each number of the photo, mostly small, now and then large. Its *spread*, the
# typical distance from the mean (standard deviation), is 1. A noisy picture is
#
# $$x = x_0 + s\,\varepsilon, \qquad s = \text{strength of the noise}$$
#
# **Move the slider.** At which strength do *you* no longer see the cat? Press the button there, and
# compare with your neighbour. Then point at a pixel in a pupil, or walk there with the arrow keys:
# when do *clipped* and *wrapped round* part?

# %% tags=["nbval-ignore-output"]
smaller = datasets.photo("chelsea", size=80)
interactive.noise_explorer(
    smaller,
    None,
    "The cat under noise of strength 0.3, 1 and 3: grainy, a ghost, gone. In JupyterLab and in an "
    "exported page one can move the strength and look at single pixels.",
    start=0.3,
)

# %% [markdown]
# ### Values, not positions
# **Predict.** In one copy all pixels are shuffled like cards. In another each stays in place and gets
# noise of strength 0.5. A *histogram* counts how often each value occurs. Which copy changes it?
# Which still shows the cat?

# %%
# x0 has the colours first: 3 × 128 × 128. Lay each colour out in one line, shuffle, fold it back.
order = rng.permutation(128 * 128)
shuffled = x0.reshape(3, -1)[:, order].reshape(x0.shape)
versions = {"clear": x0, "shuffled": shuffled, "noisy": x0 + 0.5 * eps}
lesson.with_histograms(
    versions,
    list(versions.values()),
    "The shuffled photo is brown grain without a cat, yet its histogram is exactly that of the "
    "clear one. The noisy photo still shows the cat, and its histogram is lower and wider: it "
    "passes the dotted lines, the darkest and brightest values that a screen shows.",
    spans=[(-2.5, 2.5)] * 3,
    marks=(-1, 1),
)


# %%
def likeness(x, places=slice(None)):
    """Correlation with the clear photo: 1 is the same picture, 0 is nothing in common."""
    pairs = [(a[places].ravel(), b[places].ravel()) for a, b in zip(x0, x, strict=True)]
    return round(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]), 2) + 0.0


for name, x in versions.items():
    print(f"{name:9} mean {x.mean():+.2f}  spread {x.std():.2f}  likeness {likeness(x):.2f}")
assert np.array_equal(np.sort(x0, axis=None), np.sort(shuffled, axis=None))

# %% [markdown]
# <details><summary>What happened</summary>
#
# Shuffling keeps the values and moves them: same histogram, no picture. Noise keeps the places and
# changes the values: wider histogram, and still a cat. *Likeness* is the correlation with the clear
# photo, averaged over the colours: 1 for the same picture, 0 for nothing in common. It is 0.00 when
# shuffled, 0.45 when noisy. **Noise changes values, not positions**: each pixel still whispers what
# it was.
# </details>
#
# **Move the sliders.** When do *you* lose the cat, on the left and on the right?

# %% tags=["nbval-ignore-output"]
interactive.values_or_positions(
    smaller,
    "The clear cat; with half of its pixels moved to other places; with noise of strength 0.5. "
    "Moving pixels leaves the histogram as it was, however many move; noise widens it.",
)

# %% [markdown]
# ### Noise adds fine detail, blur removes it
# A *spectrum* sorts a picture's detail by size: on the left broad shading, one wave across the
# photo; on the right the finest pattern, one wave every two pixels. *Power* says how strong each is.
#
# **Predict.** Noise and blur both spoil a photo. At which end of the spectrum, and in which direction?


# %%
def show_detail(strength, width):
    blurred = gaussian(x0, width, mode="wrap", channel_axis=0)
    noisy, blurry = f"noise {strength:.2f}", f"blur {width:.1f} pixels"
    shown = {"clear": x0, noisy: x0 + strength * eps, blurry: blurred}
    return lesson.with_spectra(
        shown,
        {name: metrics.power_spectrum(x) for name, x in shown.items()},
        f"Noise (here of strength {strength:.2f}) adds power to fine detail, the right end; blur "
        f"(here of {width:.1f} pixels) takes it away. Broad shading, the left end, changes least.",
    )


show_detail(0.3, 2.0)

# %%
blurred = gaussian(x0, 2.0, mode="wrap", channel_axis=0)
for name, x in {"clear": x0, "noise 0.3": x0 + 0.3 * eps, "blur 2": blurred}.items():
    waves, power = metrics.power_spectrum(x)
    fine = power[waves >= 16].mean().item()
    print(f"{name:10} power of broad shading {power[0]:.0f}, of fine detail {fine:.4f}")

# %% [markdown]
# <details><summary>What happened</summary>
#
# Opposite things, at the same end. Noise lifts fine detail to a flat floor, s² = 0.09, above the fur
# (0.02 + 0.09 = 0.11); blur wipes the fur out. Broad shading is far stronger than this noise and
# hardly notices. Later, out of static, it will appear *first*.
# </details>
#
# **Move the sliders.** Find a noise that hides the whiskers but not the eyes. Where does its line
# leave the clear photo's?

# %%
from diffusion_lessons.course import live


def detail_of(strength, width):
    blurred = gaussian(x0, width, mode="wrap", channel_axis=0)
    shown = {"clear": x0, "noise": x0 + strength * eps, "blur": blurred}
    spectra = {name: metrics.power_spectrum(x)[1] for name, x in shown.items()}
    says = f"Finest detail has a power of {spectra['clear'][-1]:.4f} in the clear photo, "
    says += f"{spectra['noise'][-1]:.4f} with noise, {spectra['blur'][-1]:.6f} with blur."
    curves = {name: np.log10(power.numpy() + 1e-9) for name, power in spectra.items()}
    return live.View([*shown.values()], says, [*shown], curves)


# %% tags=["nbval-ignore-output"]
says = "Clear, noisy and blurred. In JupyterLab two sliders stand above, the three spectra beside."
live.Explorer(
    detail_of,
    says,
    controls={"noise": [k / 20 for k in range(61)], "blur, pixels": [k / 2 for k in range(17)]},
    start=[0.3, 2.0],
    chart=live.Chart(
        np.log10(np.arange(1, 65)),
        "waves across the picture (coarse → fine)",
        "power",
        [(np.log10(k), f"{k}") for k in (1, 2, 4, 8, 16, 32, 64)],
        [(-5, "0.00001"), (-3, "0.001"), (-1, "0.1"), (1, "10"), (2, "100")],
    ),
    size=192,
    still=figures.pictures(
        [x[:, ::2, ::2] for x in detail_of(0.3, 2.0).pictures], says, inches=0.64
    ),
)
# %% [markdown]
# ### How noises add up
# **Predict.** Add two *independent* noises (neither knows anything of the other), of spread 3 and
# spread 4. Is the spread of the sum 7?

# %%
a = 3 * rng.standard_normal(1_000_000)
b = 4 * rng.standard_normal(1_000_000)
print(f"spreads {a.std():.1f} and {b.std():.1f} give {(a + b).std():.1f}")
assert round((a + b).std(), 1) == 5.0
print(f"whole numbers from -30 to 30 have a spread of {np.arange(-30, 31).std():.1f}")

# %% [markdown]
# <details><summary>What happened</summary>
#
# **5.** They often pull in opposite directions and partly cancel. What adds is the *variance*, the
# square of the spread: 9 + 16 = 25 = 5².
# </details>
#
# So n steps of spread s have variance n s², and spread
#
# $$s\sqrt{n}$$
#
# ### A thousand times, literally
# "Add a little noise, again and again, until it is static." Do just that, with whole numbers from −30
# to 30 (spread 17.6): once clipped at every step with your function, once never clipped.
#
# **Predict.** After a thousand steps, is the cat gone in both? How far have the unclipped numbers
# spread: 17.6 × √1000 is about …?


# %%
def add_again_and_again(start, keep):
    clipped, free = start, start.astype(int)
    kept = {}
    for step in range(1, max(keep) + 1):
        noise = rng.integers(-30, 31, start.shape)
        clipped, free = np.asarray(add_and_clip(clipped, noise)), free + noise
        if step in keep:
            kept[step] = clipped, free
    return kept


# %%
film = add_again_and_again(pixels, keep=(10, 100, 1000))
on_screen = [np.clip(free, 0, 255).astype(np.uint8) for _, free in film.values()]
figures.pictures(
    [clipped for clipped, _ in film.values()] + on_screen,
    "From data to noise, left to right. Upper row, clipped at every step: at a hundred steps the cat "
    "can't be seen any more. Lower row, never clipped: at a hundred a ghost of an eye is left; at a "
    "thousand most numbers have run past what the screen can show.",
    titles=[f"{step} steps" for step in film],
    labels=["clipped", "never\nclipped"],
    columns=3,
)

# %%
clipped, free = film[1000]
walls = 100 * np.isin(clipped, (0, 255)).mean()
for name, x in {"clipped": clipped, "never clipped": free}.items():
    print(f"{name:13} mean {x.mean():.0f}, spread {x.std():.0f}", end=", ")
    print(f"likeness {likeness(x.transpose(2, 0, 1)):.2f}")
print(f"clipped numbers that are exactly 0 or 255: {walls:.0f} %")
print(f"one step's spread times √1000: {np.arange(-30, 31).std() * 1000**0.5:.0f}")
assert 8 < walls < 11 and 540 < free.std() < 580
lesson.histograms(
    {"clipped": clipped, "never clipped": free},
    "The numbers of the cat after a thousand steps. Left, clipped: flat, with a spike at each wall, 0 "
    "and 255. Right, never clipped, on a scale about fifteen times as wide: a bell, most of it outside the "
    "dotted lines at 0 and 255, beyond which a screen can show nothing.",
    spans=[(-20, 275), (-2200, 2400)],
    marks=(0, 255),
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# It fails twice.
# - **Clipped**, the cat is gone (likeness 0.00), but 9 % of the numbers sit exactly at a wall, 0 or
#   255, where 2 of 256, 0.8 %, would be their share. And no short formula leads to step 1000: it
#   depends on every bump into a wall.
# - **Never clipped**, the numbers have spread by √1000 × 17.6 = 557, as you worked out (561 were
#   measured, the cat's own included). The cat is even still there (likeness 0.06), drowned. But the
#   numbers run away: four times as many steps, twice as far.
# </details>
#
# We want neither walls nor runaway numbers. So something must make room for the noise: **the picture
# has to shrink a little at every step.** By how much? That is lesson 02.
#
# *End of the core. Short of time? Jump to "What you now know" at the end.*

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### Why squares add
# For every pair of numbers
#
# $$(a + b)^2 = a^2 + 2ab + b^2$$
#
# Take the mean over many pairs. If a and b know nothing of each other, the product a b is as often
# negative as positive, and its mean is nearly 0. What is left is mean a² + mean b²: the variances.

# %%
print(f"mean of a²  {np.mean(a * a):5.1f}")
print(f"mean of 2ab {np.mean(2 * a * b):z5.1f}")
print(f"mean of b²  {np.mean(b * b):5.1f}")
print(f"mean of (a + b)² {np.mean((a + b) ** 2):.1f}")
assert abs(np.mean(2 * a * b)) < 0.1

# %% [markdown]
# **Predict.** One die has a spread of 1.71. What is the spread of the sum of 100 dice? And of one
# die multiplied by 100?

# %%
dice = rng.integers(1, 7, (20_000, 100))
print(f"one die {dice[:, 0].std():.1f}, sum of a hundred dice {dice.sum(axis=1).std():.0f}")
print(f"one die times a hundred {(100 * dice[:, 0]).std():.0f}")

# %% [markdown]
# <details><summary>What happened</summary>
#
# 17 = 1.71 × √100 for a hundred dice, 171 for one die multiplied by 100. A die is not
# *independent* of itself: nothing cancels, and the whole rule rests on that word.
# </details>
#
# ### Exercise: the spread of a sum
# Two independent noises of spread a and b are added:
#
# $$\text{spread} = \sqrt{a^2 + b^2}$$


# %%
def combined_spread(a, b):
    """The spread of the sum of two independent noises of spread a and b."""
    raise NotImplementedError


# %%
combined_spread = checks.combined_spread(combined_spread)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def combined_spread(a, b):
#     return (a**2 + b**2) ** 0.5
# ```
# </details>
#
# It holds for any two independent things, a cat and static too. In the core we *measured* the
# spread of the noisy cat. Now we *predict* it, for three strengths.

# %%
for strength in (0.5, 1, 3):
    expected, measured = combined_spread(x0.std(), strength), (x0 + strength * eps).std()
    print(f"cat {x0.std():.2f} and noise {strength}: {expected:.2f}, measured {measured:.2f}")
    assert abs(expected - measured) < 0.02

# %% [markdown]
# ### A thousand noises on one pixel
# The blue pixel from the beginning, a thousand times, literally. To see what is luck and what is not,
# take ten thousand copies of it.

# %%
crowd = np.tile(pixel, (10_000, 1))
clipped, free = add_again_and_again(crowd, keep=(1000,))[1000]
print("clipped: mean", clipped.mean(0).round().astype(int), f" spread {clipped.std():.0f}")
print("free:    mean", free.mean(0).round().astype(int), f" spread {free.std(0).mean():.0f}")
assert 76 < clipped.std() < 80 and 545 < free.std(0).mean() < 570

# %% [markdown]
# Clipped, its colour is forgotten: red, green and blue all end near the middle, 127.5. Unclipped, the
# means stay near 0, 120 and 255 for ever, off by luck only (typically 557 / √10000 ≈ 6), while the
# copies run apart.
#
# ### Why the bell?
# The core used two kinds of noise: whole numbers, all from −30 to 30 equally often, and the
# bell-shaped (*Gaussian*, or normal) static `eps`. After many steps, the kind hardly matters. Here
# are flat steps, and very lopsided ones: many small losses, rarely a big win.
#
# **Predict.** What shape does the sum of 30 lopsided steps have?

# %%
flat = rng.uniform(-1, 1, (30, 100_000))
lopsided = rng.exponential(size=(30, 100_000)) - 1
sums = {
    "1 flat step": flat[0],
    "sum of 30": flat.sum(axis=0),
    "1 lopsided step": lopsided[0],
    "sum of 30 ": lopsided.sum(axis=0),
}
lesson.bells(
    sums,
    "From left to right: one flat step is a box, thirty of them added are a bell. One lopsided "
    "step is a cliff, thirty of them added are nearly a bell, leaning slightly to the left. The "
    "black line is the exact bell of the same spread.",
)

# %%
for name, x in sums.items():
    near = np.abs(x - x.mean()) < x.std()
    print(f"{name:15} {100 * near.mean():.0f} % lie within one spread of the mean")

# %% [markdown]
# <details><summary>What happened</summary>
#
# Both sums come near the bell's 68 %, wherever they began. This is the *central limit theorem*: the
# sum of many small independent steps approaches a bell, whatever each step is, so long as its
# spread is finite. So we can just as well take bell-shaped noise from the start. Two such noises
# add up to *exactly* a bell, so a thousand steps can be one jump: lesson 02.
# </details>
#
# ### Exercise: pixels to floats
# `datasets.photo` did it for you. Write it: 0 … 255 becomes −1 … 1.
#
# $$x = \text{pixel} / 127.5 - 1$$


# %%
def to_floats(pixels):
    """uint8 pixels as floats in [−1, 1]."""
    raise NotImplementedError


# %%
to_floats = checks.to_floats(to_floats)

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# def to_floats(pixels):
#     return pixels / 127.5 - 1
# ```
#
# The tempting `(pixels * 2 - 255) / 255` is the same on paper, but `pixels * 2` is still `uint8`,
# and 200 × 2 goes round the clock to 144.
# </details>

# %%
there = np.asarray(to_floats(pixels))
back = datasets.to_pixels(datasets.to_floats(pixels))[0]
print(f"black and white: {to_floats(np.array([0, 255], dtype=np.uint8))}")
print("there and back changes nothing:", np.array_equal(back, pixels))
assert np.allclose(there.transpose(2, 0, 1), x0, atol=1e-6) and np.array_equal(back, pixels)

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### Glitter covers, noise adds
# Noise is often compared to glitter thrown on a colouring page. Is it? Let us throw: 60 % of the
# pixels are covered with a random colour. Beside it, noise of strength 0.8.
#
# **Predict.** Look only at the *covered* pixels. What is their likeness to the cat, and what is the
# likeness of the noisy photo at the same places?

# %%
covered = rng.random(x0.shape[1:]) < 0.6
glitter = np.where(covered, rng.uniform(-1, 1, x0.shape), x0)
noisy = x0 + 0.8 * eps
for name, x in {"glitter": glitter, "noise": noisy}.items():
    under, beside = likeness(x, covered), likeness(x, ~covered)
    print(f"{name:7} likeness at the covered places {under:.2f}, at the others {beside:.2f}")

# %%
figures.pictures(
    [glitter, noisy],
    "Left, glitter: covered pixels say nothing, those between say everything. Right, noise: every "
    "pixel says a little. Both still show the cat.",
    titles=["60 % glitter", "noise 0.8"],
    inches=2.1,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Under the glitter −0.01, which is 0 but for luck, between it 1.00: all or nothing. Noise leaves about 0.3 *everywhere*: no pixel
# is safe, none is lost. So glitter is a good picture of how it looks, and a wrong one of what is
# left.
# </details>
#
# **Predict.** Take 100 copies of the photo, each with *fresh* noise or *fresh* glitter, and average
# them. From which does the cat come back? And if the glitter always covers the same places?

# %%
noises = [x0 + 0.8 * rng.standard_normal(x0.shape) for _ in range(100)]
glitters, stuck = [], []
for _ in range(100):
    colors, places = rng.uniform(-1, 1, x0.shape), rng.random(x0.shape[1:]) < 0.6
    glitters.append(np.where(places, colors, x0))
    stuck.append(np.where(covered, colors, x0))
means = [np.mean(copies, axis=0) for copies in (noises, glitters, stuck)]

# %%
for name, mean in zip(("noise", "fresh glitter", "same places"), means, strict=True):
    # Contrast: the slope of the line through all points (clear value, average value).
    contrast, under = np.polyfit(x0.ravel(), mean.ravel(), 1)[0], likeness(mean, covered)
    print(f"{name:13} contrast {contrast:.2f}, likeness at the covered places {under:.2f}")
print(f"error left in the average of noises: {(means[0] - x0).std():.2f}")
figures.pictures(
    means,
    "Averages of 100 copies. Left, noise: the cat is back, a little grainy. Middle, fresh glitter: "
    "the cat is back too, but pale. Right, glitter always at the same places: grey holes remain.",
    titles=["fresh noise", "fresh glitter", "glitter, same places"],
    inches=2.1,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Honestly: from *both*. Noise averages to 0, so the cat comes back at full contrast with an error of
# 0.08 = 0.8 / √100: the square-root rule again. Glitter averages to grey, so that the cat comes
# back at 40 % of its contrast, the share that is not covered. Only where the same places are covered
# every time is the photo really lost.
# </details>
#
# A picture model gets only *one* noisy copy, so it can't average. What it has instead are other
# pictures: it has seen what cats look like. That is lesson 03.

# %% [markdown]
# ## What you now know

# %%
checks.mine()

# %% [markdown]
# 1. Noise adds a random number to every value and leaves every value in its place; it adds fine
#    detail, where blur takes it away.
# 2. Independent noises add by their squares, so a thousand steps go only √1000 ≈ 32 times as far
#    as one.
# 3. Adding noise for ever either piles up at the walls or runs away, so the picture must shrink as
#    the noise grows.
#
# **Try.** Let `add_again_and_again` start from `np.full_like(pixels, 255)`, an all-white page. After
# how many clipped steps can you no longer tell it from the cat?
#
# **Where the code lives now.** `datasets.to_floats` and `datasets.to_pixels` (which clips before it goes
# back to bytes) in `diffusion_lessons/critters/datasets.py`, and `metrics.power_spectrum`.
#
# **What we simplified.** A screen doesn't turn numbers into light in proportion (the *gamma* curve);
# we treat the numbers themselves as the picture, as picture models do. Real camera noise depends on
# the brightness; ours doesn't. And our blur wraps around the edges, so that its spectrum is clean.
