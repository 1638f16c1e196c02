# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 · Is it new?
#
# "Unique, never seen before." "It memorises the recipe, not the pictures." Both are said of machines like yours, and both can be measured.
#
# At the end you can
# - find out whether a picture is a copy, and say what you compared it with;
# - say when such a network copies, and when it doesn't;
# - tell what a score of quality says about copying: nothing.
#
# **25 minutes for the core**; *Prove it* and *Go further* are folded below it.

# %% tags=["nbval-ignore-output"]
import torch

from diffusion_lessons import checks, copying, critters, data, metrics, models, plots, wishes

students, judge = copying.load(), metrics.load_judge()
unseen = students["other half"].pictures  # 10,000 that most of them were never shown


# %%
def drawn_by(model, x_T):
    """What comes of this static, without words and without dice."""
    films = wishes.films(model, None, x_T, batch=min(128, len(x_T)))
    return torch.cat([film[-1].x_t for film in films])


static = torch.randn(512, 3, 32, 32, generator=torch.Generator().manual_seed(0))
A, B = students["100"], students["10000"]
drawn = {"A": drawn_by(A.network, static), "B": drawn_by(B.network, static)}
plots.pictures(
    [*drawn["A"][:24], *drawn["B"][:24]],
    "Two artists, 24 pictures each.",
    columns=8,
    labels=["A", "A", "A", "B", "B", "B"],
    inches=0.96,
)

# %% [markdown]
# ## The core: 25 minutes
#
# ### 1 · Vote first
#
# Two networks of the same make, trained for the same time. They were shown different numbers of pictures; more about that in a minute. Look at both sheets closely: ears, wheels, edges, colours.
#
# **Predict.** Which is the better artist, A or B? Decide before you read on. In a class: hands up.
#
# Then the score that is used in research, the Fréchet distance: 512 pictures of each against 512 real ones that neither was shown. Small is good.

# %%
features = metrics.judge(unseen, judge).features
floor = metrics.frechet_floor(list(features[:5120].split(512)))
for name, x in drawn.items():
    score = metrics.frechet_distance(metrics.judge(x, judge).features, features[:512])
    print(f"{name}: Fréchet distance {score:4.0f}")
print(f"real pictures against real ones: {floor.mean:.0f} ± {floor.spread:.0f}")

# %% [markdown]
# So the score agrees with most people. Before we hand A the prize, one more look.
#
# ### 2 · The nearest neighbour
#
# Is a picture new? Compare it with *every* picture that the network was trained on, pixel by pixel, and keep the smallest distance. For one picture x and one training picture y with n values each:
#
# $$d(x, y) = \sqrt{\frac{1}{n}\sum_i (x_i - y_i)^2}$$
#
# | pixel | x | y | x − y | squared |
# |---|---|---|---|---|
# | 1 | 0.5 | 0.1 | 0.4 | 0.16 |
# | 2 | −0.2 | 0.0 | −0.2 | 0.04 |
#
# The mean of the squares is 0.1, its root 0.32. A copy has 0; black against white has 2.
#
# ### Your turn: `nearest_distance`
# `x` is a tensor (n, 3, 32, 32), `data` another, (m, 3, 32, 32). Return n numbers: for each picture of x, how far its nearest neighbour in data is.


# %%
def nearest_distance(x, data):
    raise NotImplementedError


# %%
nearest_distance = checks.nearest_distance(nearest_distance)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def nearest_distance(x, data):
#     far = [((picture - data) ** 2).mean((1, 2, 3)).sqrt().min() for picture in x]
#     return torch.stack(far)
# ```
# </details>
#
# **Predict.** For eight pictures by A, the nearest of what it was trained on. Then the same for B.

# %%
rows = []
for x, artist in ((drawn["A"], A), (drawn["B"], B)):
    rows += [*x[:8], *artist.pictures[metrics.nearest(x[:8], artist.pictures).index]]
plots.pictures(
    rows,
    "Upper half: pictures by A, and below each its nearest training picture.",
    columns=8,
    labels=["A drew", "it knew", "B drew", "it knew"],
    inches=0.96,
)

# %% [markdown]
# How near is too near? Ask the same of pictures that are new for certain: real ones that the network was never shown. And because pixels aren't everything (a picture moved by two pixels is far away, though you would call it the same), once more in what the judge notes of a picture, its *features*.

# %%
print("median distance to the nearest training picture")
print("                         pixels   features")
medians = {}
for name, artist in (("A", A), ("B", B)):
    known = metrics.judge(artist.pictures, judge).features
    for what, x in (
        (f"drawn by {name}", drawn[name][:256]),
        ("  new ones, beside it", unseen[:256]),
    ):
        seen = metrics.judge(x, judge).features
        far = nearest_distance(x, artist.pictures).median(), nearest_distance(seen, known).median()
        medians[what, name] = far[0]
        print(f"{what:22s}     {far[0]:.2f}     {far[1]:.2f}")

# %% [markdown]
# ### 3 · From memorising to understanding
#
# A was shown 100 pictures, B 10,000. Both were given the same number of examples, 400,000: so A met each picture 4,000 times and B each 40 times. Here are five students, shown 1, 10, 100, 1,000 and 10,000. Of each, two numbers:
# - *copies*: the share of its pictures that lie at least three times as near to one picture as to any other (among those it was shown, and 10,000 it was not);
# - *errors*: cover a picture with noise (level t = 500, where as much noise as picture is left), and see how far its guess is off. Once for pictures that it was shown, once for new ones.
#
# **Predict.** Will the students who copy be better on their own pictures? And on new ones?

# %% tags=["nbval-ignore-output"]
from tqdm.auto import tqdm

from diffusion_lessons import forward, schedules

schedule = schedules.cosine(1000)


def error_at(model, x0, t):
    """Mean squared error of the guess at the picture, always under the same noise."""
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    x_t, level = forward.add_noise(schedule, x0, t, eps), torch.full((len(x0),), t)
    guess = forward.prediction(schedule, x_t, level, model(x_t, level), model.target)
    return float((guess.x0_hat - x0).square().mean())


counts, copies, own, new = (1, 10, 100, 1000, 10_000), [], [], []
for n in tqdm(counts):
    network, shown = students[str(n)]
    x = drawn_by(network, static[:64])
    copies.append(metrics.copy_rate(x, torch.cat([shown, unseen])))
    some = shown[torch.arange(256) % len(shown)]
    own.append(error_at(network, some, 500))
    new.append(error_at(network, unseen[:256], 500))

# %%
print("pictures   copies   error: own     new")
for n, *row in zip(counts, copies, own, new, strict=True):
    print(f"{n:8,}   {row[0]:6.0%}       {row[1]:8.4f}  {row[2]:.4f}")
by_luck = metrics.copy_rate(unseen[:256], torch.cat([B.pictures, unseen[256:]]))
print(f"new real pictures that count as copies by luck: {by_luck:.0%}")
plots.memorising(counts, copies, own, new, "Left: copies; right: errors.")

# %% [markdown]
# ### 4 · Two strangers, one picture
#
# Now the experiment that settled it (Kadkhodaie, Guth, Simoncelli and Mallat, 2024). Cut 20,000 pictures in two halves. One network learns from one half, another from the other. They have no training picture in common and never heard of each other. Give both the same static.
#
# **Predict.** Two quite different pictures? The same kind of animal? Or what?

# %%
other = drawn_by(students["other half"].network, static[:256])
plots.pictures(
    [*static[:8], *drawn["B"][:8], *other[:8]],
    "Static on top; below, what the two strangers make of it.",
    columns=8,
    labels=["static", "one half", "other half"],
    inches=0.96,
)

# %% [markdown]
# In numbers: the correlation between two pictures, 1 for the same and 0 for nothing in common. First the average picture is taken off (all critters sit in the middle, so strangers would look alike for no good reason). Beside it two things to compare with: two networks that saw the *same* half, begun from other random weights; and pictures from *different* static.


# %%
def alike(a, b):
    """Correlation of pictures, pair by pair, once the average real picture is taken off."""
    a, b = ((x - unseen.mean(0)).flatten(1) for x in (a, b))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


one = drawn["B"][:256]
again = drawn_by(students["other seed"].network, static[:256])
pairs = {"two halves, same static": alike(one, other), "same half, other seed": alike(one, again)}
pairs["two halves, other static"] = alike(one, other.roll(1, 0))
for name, r in pairs.items():
    print(f"{name:26s} median {r.median():.2f}, mean {r.mean():.2f}")
plots.overlaid(
    pairs,
    "Correlations of 256 pairs.",
    xlabel="correlation",
    span=(-1, 1),
)

# %% tags=["nbval-ignore-output"]
from diffusion_lessons import live


def show_start(k):
    told = [metrics.judge(x[k : k + 1], judge).attributes[0].tolist() for x in (one, other)]
    subjects = ("nobody", *critters.ATTRIBUTES["subject"][1:])
    says = " and ".join(
        f"{subjects[who]}, {critters.ATTRIBUTES['place'][place]}" for who, *_, place in told
    )
    r = [float(values[k]) for values in list(pairs.values())[:2]]
    return live.View(
        [static[k], one[k], other[k], again[k]],
        f"The judge sees in the two halves' pictures: {says}. Correlation of the halves {r[0]:.2f}; "
        f"of two seeds on one half {r[1]:.2f}.",
        ["the static", "one half", "the other half", "one half, other seed"],
    )


live.Explorer(
    show_start,
    "Static 0 and what three networks make of it. In JupyterLab a slider stands above, for the "
    "other 255.",
    controls={"static": range(256)},
    start=[0],
    size=160,
)

# %%
names = ("subject", "color", "place")
print("the judge finds the same              " + "  ".join(f"{name:>7}" for name in names))
seen = {"one": one, "halves": other, "seeds": again, "other static": other.roll(1, 0)}
seen = {name: metrics.judge(x, judge).attributes for name, x in seen.items()}
for name in ("halves", "seeds", "other static"):
    same_as = (seen["one"] == seen[name]).float().mean(0)
    shares = [f"{same_as[list(critters.ATTRIBUTES).index(a)]:7.0%}" for a in names]
    print(f"{name:36s}  " + "  ".join(shares))

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### The perfect student only copies
#
# Lesson 03's ideal denoiser makes the smallest possible error on its own pictures. Here it is with all 10,000 that B was shown, and with B's static.

# %%
ideal = models.IdealDenoiser(B.pictures, schedule)
by_ideal = drawn_by(ideal, static[:64])
near = metrics.nearest(by_ideal, B.pictures)
plots.pictures(
    [*by_ideal[:8], *B.pictures[near.index[:8]], *one[:8]],
    "Ideal on top, its nearest neighbour, and B's picture.",
    columns=8,
    labels=["ideal", "it knew", "B"],
    inches=0.96,
)

# %%
rate = metrics.copy_rate(by_ideal, torch.cat([B.pictures, unseen]))
print(f"copies: ideal {rate:.0%}, B {copies[-1]:.0%}")
print(f"largest distance of the ideal one's to a training picture: {near.distance.max():.4f}")
print("error at t = 500      own      new")
for name, model in (("ideal", ideal), ("B", B.network)):
    own_, new_ = error_at(model, B.pictures[:256], 500), error_at(model, unseen[:256], 500)
    print(f"{name:16s}    {own_:.4f}   {new_:.4f}")

# %% [markdown]
# ### Where does the gap come from?
#
# So B draws new pictures because it is *not* perfect. In which way not? Candidates:

# %% tags=["nbval-ignore-output"]
sizes = [3 if t < 200 else 7 if t < 500 else 15 if t < 750 else 63 for t in range(1001)]
few = B.pictures[:1000]
guessers = {
    "convolutions only": students["convolutions"].network,
    "best linear": models.LinearDenoiser(B.pictures, schedule),
    "windows of 7": models.LocalDenoiser(few, schedule, 7),
    "growing windows": models.LocalDenoiser(few, schedule, sizes),
    "ideal": ideal,
}
made = {name: drawn_by(model, static[:16]) for name, model in tqdm(guessers.items())}
plots.pictures(
    [x for pile in [one, *made.values()] for x in pile[:8]],
    "Same static, six guessers.",
    columns=8,
    labels=["B", *guessers],
    inches=0.96,
)

# %%
print("                    like B   copies   error on new, t = 100 / 500 / 800")
for name, model in ({"B": B.network} | guessers).items():
    x = one[:16] if name == "B" else made[name]
    r, rate = alike(x, one[:16]).mean(), metrics.copy_rate(x, torch.cat([B.pictures, unseen]))
    wrong = [error_at(model, unseen[:16], t) for t in (100, 500, 800)]
    print(f"{name:18s}   {r:5.2f}   {rate:6.0%}    ", "  ".join(f"{e:.4f}" for e in wrong))

# %% [markdown]
# ### The Fréchet distance from scratch
#
# One feature first. Two sets of numbers, a and b; forget everything about them but the mean m and the spread s:
#
# $$F = (m_a - m_b)^2 + (s_a - s_b)^2$$
#
# | | mean | spread |
# |---|---|---|
# | a | 2.0 | 1.0 |
# | b | 1.7 | 1.4 |
# | difference, squared | 0.09 | 0.16 |
#
# F = 0.25.
#
# ### Your turn: `frechet_1d`
# `a` and `b` are tensors of numbers.


# %%
def frechet_1d(a, b):
    raise NotImplementedError


# %%
frechet_1d = checks.frechet_1d(frechet_1d)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def frechet_1d(a, b):
#     return (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
# ```
# </details>
#
# With 128 features the spreads become a table of covariances Σ, and (s_a − s_b)² becomes tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½):

# %%
def frechet(a, b):
    cov_a, cov_b = torch.cov(a.double().T), torch.cov(b.double().T)
    root = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    gap = (a.double().mean(0) - b.double().mean(0)).square().sum()
    return float(gap + cov_a.trace() + cov_b.trace() - 2 * root)


mine, package = frechet(features[:512], features[512:1024]), floor.mean
check = metrics.frechet_distance(features[:512], features[512:1024])
print(f"from scratch {mine:.3f}, the package {check:.3f}")
alone = [float(frechet_1d(features[:512, i], features[512:1024, i])) for i in range(128)]
print(f"the 128 features one by one add up to {sum(alone):.3f}")

# %% [markdown]
# Two sets of *real* pictures don't reach 0. How far off are they, for n pictures each?

# %%
ns = (128, 256, 512, 1024, 2048, 4096)
floors = []
for n in ns:
    sets = features[: len(features) // (2 * n) * 2 * n].split(n)[:10]
    distances = [metrics.frechet_distance(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)]
    floors.append(sum(distances) / len(distances))
print("n          " + "  ".join(f"{n:6,}" for n in ns))
print("distance   " + "  ".join(f"{d:6.1f}" for d in floors))
print("× n        " + "  ".join(f"{d * n:6,.0f}" for d, n in zip(floors, ns, strict=True)))
plots.lines(
    [1000 / n for n in ns],
    {"two sets of real pictures": floors},
    "Against 1/n.",
    xlabel="1000 / n",
    ylabel="Fréchet distance",
)

# %%
grain = 0.05 * torch.randn(512, 3, 32, 32, generator=torch.Generator().manual_seed(2))
copier = B.pictures[torch.randperm(10_000, generator=torch.Generator().manual_seed(3))[:512]]
sets = {
    "real, others": unseen[5120:5632],
    "real, with grain": unseen[5120:5632] + grain,
    "the copier": copier,
    "A, of 100": drawn["A"],
    "B, of 10,000": drawn["B"],
}
print("                   Fréchet   precision   recall   fine detail   copies of training")
for name, x in sets.items():
    here = metrics.judge(x, judge).features
    F, near = (
        metrics.frechet_distance(here, features[:512]),
        metrics.precision_recall(here, features[:512]),
    )
    fine = metrics.high_frequency_power(x, unseen[:512])
    known = A.pictures if name.startswith("A") else B.pictures
    rate = metrics.copy_rate(x[:64], torch.cat([known, unseen[:5000]]))
    print(
        f"{name:18s}  {F:6.0f}      {near.precision:.2f}       {near.recall:.2f}      {fine:.2f}          {rate:.0%}"
    )

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### Real or drawn? A blind test
# Sixteen pictures. Eight are real (drawn by the course's program, and shown to no network). Eight were drawn by the network that comes with the course, from the captions of such pictures.

# %%
captions = data.as_tensors(critters.dataset(16, seed=808))
order = torch.randperm(16, generator=torch.Generator().manual_seed(808))
[film] = wishes.films(models.load(), captions.cond[8:], wishes.static(8, seed=808))
sixteen = torch.cat([captions.x0[:8], film[-1].x_t])[order]
real = [int(place) + 1 for place in (order < 8).nonzero()]
plots.pictures(
    sixteen,
    "Sixteen pictures, 1 to 8 above and 9 to 16 below. Eight are real, eight were drawn by a "
    "network.",
    columns=8,
    titles=[str(i) for i in range(1, 9)],
    inches=0.96,
)

# %%
i_think_real = []  # such as [2, 3, 7, 9, 10, 12, 14, 15]
checks.blind_test(i_think_real, real, shown=16)

# %% [markdown]
# ### Whose pictures?

# %%
loud, once = students["repeated"], B
special = loud.pictures[:1]
x = drawn_by(loud.network, static)
for name, pile in (("repeated 100 times", x), ("shown once", drawn["B"])):
    far = metrics.nearest(pile, special).distance
    print(
        f"{name:20s}: nearest of 512 is {far.min():.2f} away, {int((far < 0.15).sum())} below .15"
    )
print(f"by chance, of 10,000 new ones: {metrics.nearest(unseen, special).distance.min():.2f}")

# %%
checks.mine()
