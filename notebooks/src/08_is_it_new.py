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
# "Unique, never-seen-before creations." "It memorises the recipe, not the pictures." Both are said of networks like yours. Both can be measured, and neither is true or false of all of them.
#
# At the end you can
# - find out whether a picture is a copy, and say what you compared it with;
# - say when such a network copies, and when it doesn't;
# - say what a score of quality tells about copying.
#
# **25 minutes for the core**; *Prove it* and *Go further* are folded below it.

# %% tags=["nbval-ignore-output"]
import torch

from diffusion_lessons import checkpoints, metrics
from diffusion_lessons.course import copying, figures, grading
from diffusion_lessons.course import lesson_08 as lesson
from diffusion_lessons.critters import datasets, generate, world
from diffusion_lessons.critters.judge import classify, load_judge
from diffusion_lessons.critters.words import word_ids
from diffusion_lessons.denoisers import IdealDenoiser, LinearDenoiser, LocalDenoiser

students, judge = copying.load(), load_judge()
unseen = students["other half"].pictures  # 10,000 that most of them were never shown


# %%
def made_by(model, x_T):
    """What comes of this static, without words and without dice."""
    films = generate.sample_batches(model, None, x_T, batch=min(128, len(x_T)))
    return torch.cat([film[-1].x_t for film in films])


static = torch.randn(512, 3, 32, 32, generator=torch.Generator().manual_seed(0))
A, B = students["100"], students["10000"]
drawn = {"A": made_by(A.network, static), "B": made_by(B.network, static)}
figures.pictures(
    [*drawn["A"][:24], *drawn["B"][:24]],
    "Two artists, 24 pictures each, from the same static. A's are clean: sharp edges, round wheels, "
    "whole faces. B's are rough: ragged outlines, specks, some faces hard to read.",
    columns=8,
    labels=["A", "A", "A", "B", "B", "B"],
    inches=0.96,
)

# %% [markdown]
# ## The core: 25 minutes
#
# ### 1 · Vote first
#
# Two networks of the same make, trained for the same time. (They are small and know no words, so don't expect lesson 07's quality.) They differ in one thing, of which more in a minute. Look at ears, wheels, edges.
#
# **Predict.** Which is the better artist, A or B? Decide before you read on. In a class: hands up.
#
# Now the score that is used in research, the *Fréchet distance*: how far 512 pictures of each are from 512 real ones, in the judge's eyes. (Real are those that the course's program drew. The judge is the small network that names what it sees.) Small is good.

# %%
features = classify(unseen, judge).features
floor = metrics.frechet_floor(list(features[:5120].split(512)))
score = {}
for name, x in drawn.items():
    score[name] = metrics.frechet_distance(classify(x, judge).features, features[:512])
    print(f"{name}: Fréchet distance {score[name]:3.0f}")
print(f"real pictures against real ones: {floor.mean:.0f}")
assert score["A"] < 0.85 * score["B"]

# %% [markdown]
# The score votes for A. Did you? Before A gets the prize, one more look.
#
# ### 2 · The nearest neighbour
#
# Is a picture new? Compare it with *every* picture that the network was trained on, and keep the smallest distance. For two pictures x and y of n values:
#
# $$d(x, y) = \sqrt{\frac{1}{n}\sum_i (x_i - y_i)^2}$$
#
# | value | x | y | x − y | squared |
# |---|---|---|---|---|
# | 1 | 0.5 | 0.1 | 0.4 | 0.16 |
# | 2 | −0.2 | 0.0 | −0.2 | 0.04 |
#
# The mean of the squares is 0.1, its root 0.32. A copy is at 0, black from white at 2.
#
# ### Your turn: `nearest_distance`
# `x` is a tensor (n, 3, 32, 32), `data` another, (m, 3, 32, 32). Return n numbers: for each picture of x, how far its nearest neighbour in data is.


# %%
def nearest_distance(x, data):
    raise NotImplementedError


# %%
nearest_distance = lesson.nearest_distance.check(nearest_distance)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: nearest_distance}
# ```
# </details>
#
# **Predict.** Below: eight pictures by A, and under each the nearest of those that it was trained on. Then the same for B. What do you expect?

# %%
rows = []
for name, artist in (("A", A), ("B", B)):
    x = drawn[name][:8]
    rows += [*x, *artist.pictures[metrics.nearest(x, artist.pictures).index]]
figures.pictures(
    rows,
    "Each picture by A is, up to a little grain, one of the pictures that it was shown. The nearest "
    "that B was shown has a similar place and similar colours, but is another picture.",
    columns=8,
    labels=["A drew", "it was shown", "B drew", "it was shown"],
    inches=0.96,
)

# %% [markdown]
# A was shown 100 pictures, B 10,000. A learned its hundred by heart.
#
# How near is too near? Ask the same of pictures that are *new for certain*: real ones that the network was never shown. We take 48 of each, and the *median*: half of them are nearer, half farther. Once in pixels, and once in what the judge notes of a picture, 128 numbers called *features* (a cat moved by two pixels is far away in pixels, and the same cat to a judge).

# %%
print("median distance to the nearest training picture      pixels   features")
medians = {}
for name, artist in (("A", A), ("B", B)):
    known = classify(artist.pictures, judge).features
    for what, x in ((f"drawn by {name}", drawn[name][:48]), ("new and real", unseen[:48])):
        seen = classify(x, judge).features
        medians[name, what] = float(nearest_distance(x, artist.pictures).median())
        by_judge = medians[what, name] = float(metrics.nearest(seen, known).distance.median())
        print(
            f"  to {name}'s {len(known):6,}, {what:12s} {'':17s}     {medians[name, what]:.2f}       {by_judge:.1f}"
        )
assert medians["A", "drawn by A"] < 0.3 * medians["A", "new and real"]
assert medians["B", "drawn by B"] > 0.9 * medians["B", "new and real"]
assert medians["drawn by B", "B"] > 2 * medians["new and real", "B"]  # in features

# %% [markdown]
# <details><summary>What happened</summary>
#
# A's pictures are several times nearer to its training pictures than new ones are: copies. B's are no nearer than new ones: about as far in pixels, and three times as far in features (they are rough). So B's pictures, as a rule, are no copies; a median can't exclude a few.
# </details>
#
# So which is the better artist? The score could not tell you: it compares a heap of pictures with a heap of real ones, and never looks at what the artist was trained on.
#
# ### 3 · From memorising to understanding
#
# All students were given 400,000 examples. A met each of its pictures 4,000 times, B each only 40 times. Here are five of them, shown 1, 10, 100, 1,000 and 10,000 pictures. Two measurements:
# - *copies*: the share of a student's pictures that lie more than three times nearer to one picture than to the next (among all that it was shown, and 10,000 that it was not);
# - *error*: put a picture under noise, as much noise as picture (t = 500), and see how far off the guess is (mean squared difference). Once for pictures that it was shown, once for new ones.
#
# **Predict.** Who guesses best under its *own* pictures' noise? And under that of *new* ones?

# %%
from diffusion_lessons import forward, schedules

schedule = schedules.cosine(1000)


def error_at(model, x0, t):
    """Mean squared error of the guess at the picture, always under the same noise."""
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    x_t, level = forward.add_noise(schedule, x0, t, eps), torch.full((len(x0),), t)
    guess = forward.prediction(schedule, x_t, level, model(x_t, level), model.target)
    return float((guess.x0_hat - x0).square().mean())


# %% tags=["nbval-ignore-output"]
from tqdm.auto import tqdm

counts, copies, own, new = (1, 10, 100, 1000, 10_000), [], [], []
for n in tqdm(counts):
    network, shown = students[str(n)]
    x = made_by(network, static[:64])
    copies.append(metrics.copy_rate(x, torch.cat([shown, unseen])))
    some = shown[torch.arange(256) % len(shown)]
    own.append(error_at(network, some, 500))
    new.append(error_at(network, unseen[:256], 500))

# %%
import json

recipes = json.loads((copying.FOLDER / "recipes.json").read_text())
each = {name: recipes[name]["pictures"] // recipes[name]["count"] for name in ("100", "10000")}
print(
    f"examples: {recipes['100']['pictures']:,}, each picture of A {each['100']:,} times, of B {each['10000']}"
)
print("pictures   copies   error: own      new")
for n, *row in zip(counts, copies, own, new, strict=True):
    print(f"{n:8,}   {row[0]:6.0%}       {row[1]:.4f}   {row[2]:.4f}")
by_luck = metrics.copy_rate(unseen[:64], torch.cat([B.pictures, unseen[64:]]))
print(f"new real pictures that count as copies: {by_luck:.0%}")
lesson.memorising(
    counts,
    copies,
    own,
    new,
    "Left: up to 100 pictures nearly all is copied; from 1,000 on the rule finds no copy among 64. "
    "Right: the two errors, far apart for few pictures, meet at 10,000.",
)

# %%
assert min(copies[:3]) > 0.8 and max(copies[3:]) < 0.05 and by_luck < 0.05
assert new[2] > 10 * own[2] and new[3] > 1.2 * own[3] and new[4] < 1.1 * own[4]
assert new[0] > new[2] > new[3] > new[4]

# %% [markdown]
# <details><summary>What happened</summary>
#
# With few pictures the network learns them by heart: hardly any error on its own, a large one on new ones. With 10,000 it doesn't: at this level its error on pictures that it was shown 40 times is the same, within 2 %, as on pictures it never saw. So what it learned holds for both. (At 1,000 the rule finds no copy any more, and yet that student knows its own better: memorising fades, it doesn't switch off.)
# </details>
#
# ### 4 · Two strangers, one picture
#
# Now an experiment that made many people think again (Kadkhodaie, Guth, Simoncelli and Mallat, 2024, with photos). Cut 20,000 pictures in two. One network learns from one half, another from the other. They share no training picture. Give both the *same static*.
#
# **Predict.** Two different pictures? The same animal in two poses? Or what?

# %%
one, other = drawn["B"][:256], made_by(students["other half"].network, static[:256])
figures.pictures(
    [*static[:8], *one[:8], *other[:8]],
    "Static on top; below, what the two strangers make of it. In most columns it is nearly the "
    "same picture, down to single specks; in the fifth one drew somebody, the other an empty "
    "meadow.",
    columns=8,
    labels=["static", "one half", "other half"],
    inches=0.96,
)

# %% [markdown]
# In numbers: the *correlation* of two pictures, 1 for the same, 0 for nothing in common, −1 for dark and light swapped. The average picture is taken off first (all critters sit in the middle, so even strangers would be alike). Our two strangers began with the same random weights. So compare: two that saw the *same* half but began differently; two that differ in both; and pictures from *different* static.


# %%
def alike(a, b):
    """Correlation of pictures, pair by pair, once the average real picture is taken off."""
    a, b = ((x - unseen.mean(0)).flatten(1) for x in (a, b))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


again = made_by(students["other seed"].network, static[:256])
pairs = {"two halves, same static": alike(one, other), "same half, other seed": alike(one, again)}
pairs["other half and seed"] = alike(other, again)
pairs["two halves, other static"] = alike(one, other.roll(1, 0))
for name, r in pairs.items():
    print(f"{name:26s} median {r.median():.2f}   mean {r.mean():.2f}")
figures.outlines(
    pairs,
    "Correlations of 256 pairs. From the same static most lie above 0.8, whether the two networks "
    "saw the same half or different ones; from other static they are spread widely around 0.",
    xlabel="correlation, average picture taken off",
    span=(-1, 1),
    bins=40,
    colors=dict(zip(pairs, figures.CYCLE, strict=False)),
)

# %%
halves, seeds, both, unrelated = (float(r.median()) for r in pairs.values())
assert min(halves, seeds, both) > 0.85 and halves > seeds - 0.03 and abs(unrelated) < 0.15
assert pairs["two halves, other static"].std() > 0.2

# %% [markdown]
# <details><summary>What happened</summary>
#
# In most pairs nearly the same picture, in some another animal. Which half a network saw matters no more than which random weights it began with. Had each copied from its half, so close a match would be strange, since the halves share no picture (*Prove it* tries that). So both found *nearly the same rule*, from different examples. That is a good meaning of "it learned the recipe". And it tells where the picture comes from: the rule and the static.
# </details>
#
# **Move the slider.** Find static where the strangers disagree. About what?

# %% tags=["nbval-ignore-output"]
from diffusion_lessons.course import live


def show_start(k):
    told = [classify(x[k : k + 1], judge).attributes[0].tolist() for x in (one, other)]
    words = [word_ids(world.values(row)) for row in told]
    says = "; ".join(generate.describe(row) for row in words)
    r = [float(values[k]) for values in list(pairs.values())[:2]]
    return live.View(
        [static[k], one[k], other[k], again[k]],
        f"In the two halves' pictures the judge sees: {says}. Correlation of the halves {r[0]:.2f}, "
        f"of two seeds on one half {r[1]:.2f}.",
        ["the static", "one half", "the other half", "one half, other seed"],
    )


live.Explorer(
    show_start,
    "Static number 0 and what three networks make of it. In JupyterLab a slider stands above, for "
    "the other 255.",
    controls={"static": range(256)},
    start=[0],
    size=160,
)

# %%
names = ("subject", "color", "place")
print("the judge finds the same ...   subject   color   place")
agree = {}
for name, x in {"two halves": other, "two seeds": again, "other static": other.roll(1, 0)}.items():
    same_as = classify(one, judge).attributes == classify(x, judge).attributes
    agree[name] = [float(same_as[:, list(world.ATTRIBUTES).index(a)].float().mean()) for a in names]
    print(f"{name:28s}   " + "  ".join(f"{share:6.0%}" for share in agree[name]))
assert agree["two halves"][2] > agree["two halves"][0] > 2 * agree["other static"][0]

# %% [markdown]
# The place in about four pairs of five, the animal in about half of them. (From other static, which is chance, it is one in four and one in six. These small networks draw animals that are hard to name.)
#
# *End of the core. Short of time? Jump to "What you now know" at the end.*

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### The perfect student only copies
#
# Lesson 03's ideal denoiser makes the smallest error on its own pictures that *anybody* can make. Here it is, with all 10,000 that B was shown, and with B's static.
#
# **Predict.** It has as many pictures as B. Will it copy?

# %%
ideal = IdealDenoiser(B.pictures, schedule)
by_ideal = made_by(ideal, static[:64])
near = metrics.nearest(by_ideal, B.pictures)
figures.pictures(
    [*by_ideal[:8], *B.pictures[near.index[:8]], *one[:8]],
    "What the ideal denoiser makes of the static, and the training picture nearest to it: the same, "
    "every time. Below, what B makes of that static: rougher, and in no training set.",
    columns=8,
    labels=["ideal", "it was shown", "B"],
    inches=0.96,
)

# %%
rate = metrics.copy_rate(by_ideal, torch.cat([B.pictures, unseen]))
print(f"copies: ideal {rate:.0%}, B {copies[-1]:.0%}")
print(f"the ideal one's farthest picture is {near.distance.max():.4f} from a training picture\n")
print("error at t = 500     own      new")
of_ideal = [error_at(ideal, x0[:256], 500) for x0 in (B.pictures, unseen)]
print(f"ideal             {of_ideal[0]:.4f}   {of_ideal[1]:.4f}")
print(f"B                 {own[-1]:.4f}   {new[-1]:.4f}")
assert rate == 1 and near.distance.max() < 0.004 and of_ideal[1] > 2 * new[-1]

# %% [markdown]
# And if the two strangers were such copiers, one for each half? Then too the same static would lead both to similar pictures, as far as their halves have any.

# %%
by_other_ideal = made_by(IdealDenoiser(unseen, schedule), static[:64])
copiers, networks = alike(by_ideal, by_other_ideal), alike(one[:64], other[:64])
print(f"two copiers,  same static: median {copiers.median():.2f}, mean {copiers.mean():.2f}")
print(f"two networks, same static: median {networks.median():.2f}, mean {networks.mean():.2f}")
assert copiers.median() < networks.median() - 0.05

# %% [markdown]
# Copiers of two halves are about half alike: the static alone gives that much. The two networks are alike nearly all the way, which copying doesn't explain.
#
# The best student of the training set is a photocopier. At t = 500 it has no error on its own pictures, and on new ones it is worse than B. The loss of training asks for exactly this student. You get something new because the network *didn't* become it, with 10,000 pictures, these weights and this time. Creativity, here, is falling short of the goal in a useful way.
#
# ### Where does the gap come from?
#
# Falling short in which way? Some candidates, each with the same static:
# - *convolutions only*: the same network with no attention, trained on the same half, so that far places are connected less;
# - *best linear*: the best guess among all that are weighted sums of the pixels;
# - *windows*: the ideal guess for each pixel by somebody who sees only a window around it (after Kamb and Ganguli, 2025, whose theory predicts networks of convolutions best). Of what size? For each level we take the window whose guess is most like B's;
# - *ideal*: sees all.

# %%
windows, levels = (1, 3, 5, 7, 9, 13, 63), (100, 300, 500, 600, 700, 800, 900)
few, some = B.pictures[:1000], unseen[:4]
noise = torch.randn(some.shape, generator=torch.Generator().manual_seed(1))
best = {}
for t in levels:
    x_t, level = forward.add_noise(schedule, some, t, noise), torch.full((4,), t)
    said = B.network(x_t, level)
    guess = forward.prediction(schedule, x_t, level, said, B.network.target).x0_hat
    local = {size: LocalDenoiser(few, schedule, size)(x_t, level) for size in windows}
    best[t] = min(windows, key=lambda size: float((local[size] - guess).square().mean()))
    print(f"t = {t}: B guesses most like a window of {best[t]:2d} pixels")
assert best[100] <= 3 < best[700] < best[900]

# %% [markdown]
# So B's guess is most like that of a small window when there is little noise, and like that of somebody who sees all when there is much. (Most like need not be very like.) Now let all of them draw. (The windows look into 1,000 pictures only, to keep it short.)

# %% tags=["nbval-ignore-output"]
sizes = [best[min(levels, key=lambda level: abs(level - t))] for t in range(1001)]
guessers = {
    "convolutions only": students["convolutions"].network,
    "best linear": LinearDenoiser(B.pictures, schedule),
    "growing windows": LocalDenoiser(few, schedule, sizes),
    "windows of 7": LocalDenoiser(few, schedule, 7),
    "ideal": ideal,
}
made = {"B": one[:16]}
made |= {name: made_by(model, static[:16]) for name, model in tqdm(guessers.items())}
figures.pictures(
    [x for pile in made.values() for x in pile[:8]],
    "One static a column, six guessers. Without attention nearly the same as B. The linear one gives "
    "streaky ghosts of the right shades, growing windows a speckled picture of the right shape. "
    "Windows of 7 give sharp patches that don't make a whole, the ideal one perfect copies.",
    columns=8,
    labels=[f" {name}" for name in made],
    inches=0.96,
)

# %%
print("                    like B   copies   error on new pictures, t = 100 / 500 / 800")
table = {}
for name, model in ({"B": B.network} | guessers).items():
    r = float(alike(made[name], one[:16]).mean())
    rate = metrics.copy_rate(made[name], torch.cat([B.pictures, unseen]))
    wrong = [error_at(model, unseen[:8], t) for t in (100, 500, 800)]
    table[name] = r, rate
    print(f"{name:18s}   {r:5.2f}   {rate:6.0%}    ", "   ".join(f"{e:.3f}" for e in wrong))

# %%
assert table["convolutions only"][0] > 0.8 > table["best linear"][0] > 0.6
assert abs(table["growing windows"][0] - table["best linear"][0]) < 0.15
assert table["windows of 7"][0] < 0.6 and table["growing windows"][1] < 0.2
assert table["ideal"][1] == 1

# %% [markdown]
# <details><summary>What the table says, and what it doesn't</summary>
#
# Attention is not it: without, the network draws nearly the same (0.89; two seeds of one network reached 0.83 on 256 pairs). Small windows are a part of it: growing windows copy nothing, where the ideal guess copies everything, and their pictures are three quarters like B's. But a weighted sum of pixels, which knows nothing of windows, gets as near. And even the ideal one is well above 0: whoever reads the same static agrees on the broad things, place and shade. The race isn't quite fair: the windows had 1,000 pictures and the sum 10,000, and their sizes were chosen by B's own guesses. Kamb and Ganguli also let a window forget *where* in the picture it is, which we left out. So this table neither proves nor refutes them; it says that small windows *alone*, as we built them, don't make a B. On new pictures, both networks err least at every level.
# </details>
#
# ### The Fréchet distance from scratch
#
# One feature first. Take two sets of numbers, a and b, and keep of each only its mean m and its spread s:
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
# `a` and `b` are tensors of numbers, not always equally many.


# %%
def frechet_1d(a, b):
    raise NotImplementedError


# %%
frechet_1d = lesson.frechet_1d.check(frechet_1d)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: frechet_1d}
# ```
# </details>
#
# With 128 features there is also how they go together: their covariances, a table Σ of 128 × 128. In the place of (s_a − s_b)² comes the sum of the diagonal (tr) of
#
# $$\Sigma_a + \Sigma_b - 2\,(\Sigma_a \Sigma_b)^{1/2}$$
#
# For one feature that is s_a² + s_b² − 2 s_a s_b, the same as before. The diagonal of a root adds up to the roots of the eigenvalues, so:


# %%
def frechet(a, b):
    cov_a, cov_b = torch.cov(a.double().T), torch.cov(b.double().T)
    root = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    gap = (a.double().mean(0) - b.double().mean(0)).square().sum()
    return float(gap + cov_a.trace() + cov_b.trace() - 2 * root)


a, b = features[:512], features[512:1024]
alone = sum(float(frechet_1d(a[:, i], b[:, i])) for i in range(128))
print(f"from scratch {frechet(a, b):.2f}, the package {metrics.frechet_distance(a, b):.2f}")
print(f"the 128 features one by one, added up: {alone:.2f}")
assert abs(frechet(a, b) - metrics.frechet_distance(a, b)) < 0.01 and alone < frechet(a, b)

# %% [markdown]
# Most of the distance is in how features go together, which 512 pictures tell poorly. And both sets were *real*, yet it is not 0. So never read a Fréchet distance alone. How does this floor depend on how many pictures one takes?

# %%
ns, floors = (128, 256, 512, 1024, 2048, 4096), []
for n in ns:
    sets = features[: len(features) // (2 * n) * 2 * n].split(n)[:10]
    far = [frechet(a, b) for a, b in zip(sets[::2], sets[1::2], strict=True)]
    floors.append(sum(far) / len(far))
    print(f"n = {n:5,}: distance {floors[-1]:5.0f}, times n {floors[-1] * n / 1000:3.0f} thousand")
figures.lines(
    [1000 / n for n in ns],
    {"two sets of real pictures": floors},
    "The floor against 1/n: nearly a straight line through 0. Twice as many pictures, half the "
    "distance, though nothing got better.",
    xlabel="1000 / n, for sets of n pictures",
    ylabel="Fréchet distance",
)

# %% [markdown]
# **Predict.** Now the score itself is examined. Which of these will it catch: a little grain on every picture; somebody who only hands in training pictures? Beside it two more numbers (Kynkäänniemi and others, 2019). *Precision*: the share of pictures that lie in the neighbourhood of a real one. *Recall*: the share of real ones that lie in the neighbourhood of a drawn one. (A picture's neighbourhood reaches to the third nearest of its own kind, in features.) *Fine detail* is how much detail below four pixels there is; real pictures have about 1.

# %%
grain = 0.05 * torch.randn(512, 3, 32, 32, generator=torch.Generator().manual_seed(2))
chosen = torch.randperm(10_000, generator=torch.Generator().manual_seed(3))[:512]
others = unseen[5120:5632]
sets = {"real, others": others, "real with grain": others + grain}
sets |= {"a copier": B.pictures[chosen], "A": drawn["A"], "B": drawn["B"]}
print("                 Fréchet   precision   recall   fine detail   copies")
found = {}
for name, x in sets.items():
    here = classify(x, judge).features
    far, covers = frechet(here, features[:512]), metrics.precision_recall(here, features[:512])
    shown = A.pictures if name == "A" else B.pictures
    rate = metrics.copy_rate(x[:64], torch.cat([shown, unseen[:5000]]))
    fine = metrics.high_frequency_power(x, unseen[:512])
    found[name] = far, covers.recall, rate
    print(
        f"{name:16s}   {far:5.0f}      {covers.precision:.2f}       {covers.recall:.2f}       {fine:.2f}         {rate:4.0%}"
    )

# %%
real, grainy, copier = (found[name] for name in ("real, others", "real with grain", "a copier"))
assert abs(grainy[0] - real[0]) < 0.1 * real[0] and copier[0] < 1.2 * real[0] and copier[2] == 1
assert max(found["A"][1], found["B"][1]) < 0.6 * copier[1] and real[2] == 0

# %% [markdown]
# <details><summary>What happened</summary>
#
# The grain: not seen by the Fréchet distance, and by neither of the other two. (Fine detail rises, from 0.99 to 1.05; but the copier, without any grain, has 1.04, so that alone proves nothing.) The copier: as good as real in every score, and every picture taken. Recall shows what A lacks: with a hundred pictures one can't cover the world. B's recall is no better, and its precision finds nothing wrong with its ragged faces. None of these scores looks at the training set; only the last column does. A score that doesn't know what was trained on can't tell drawing from copying.
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### Real or drawn? A blind test
# Sixteen pictures. Eight are real, and were shown to no network. Eight were drawn by the network that comes with the course, told the same kind of things. Which are real?

# %%
asked = datasets.as_tensors(datasets.draw_dataset(16, seed=808))
order = torch.randperm(16, generator=torch.Generator().manual_seed(808))
[film] = generate.sample_batches(
    checkpoints.load(), asked.cond[8:], generate.initial_noise(8, seed=808)
)
sixteen = torch.cat([asked.x0[:8], film[-1].x_t])[order]
real = [int(place) + 1 for place in (order < 8).nonzero()]
figures.captioned(
    sixteen,
    [str(i) for i in range(1, 17)],
    "Sixteen pictures with their numbers: eight real ones and eight drawn by a network, mixed.",
    columns=8,
)

# %%
i_think_real = []  # eight numbers, such as [2, 3, 7, 9, 10, 12, 14, 15]
lesson.blind_test(i_think_real, real, shown=16)

# %% [markdown]
# And the numbers for that network? `evaluate` has measured them with 2,000 pictures. Is its Fréchet distance at the floor?

# %%
card = json.loads(checkpoints.SHIPPED.with_suffix(".json").read_text())["scores"]
spread = card["frechet_floor_spread"]
print(
    f"Fréchet distance {card['frechet']:.1f}, real against real {card['frechet_floor']:.1f} ± {spread:.1f}"
)
print(
    f"nearest training picture: {card['nearest_median']:.2f}, of new real ones {card['nearest_median_fresh']:.2f}"
)

# %% [markdown]
# A little above it, less than chance alone would give. Its pictures are, in the median, as far from the training set as new real ones; a few copies would not show in that. Did you see a difference? Where?
#
# ### Whose pictures?
# One student was trained on the same 10,000 pictures as B, but one of them was in there a hundred times, as popular pictures are on the web. That is 100 of 10,099 examples: one in a hundred.
#
# **Predict.** It draws 512 pictures. Does it draw that one? (We call it that one if it is nearer than 0.3.)

# %%
loud = students["repeated"]
special = loud.pictures[:1]
by_loud = made_by(loud.network, static)
far = {"shown 100 times": metrics.nearest(by_loud, special).distance}
far["shown once (B)"] = metrics.nearest(drawn["B"], special).distance
far["new real pictures"] = metrics.nearest(unseen, special).distance
for name, d in far.items():
    nearest_six = "  ".join(f"{x:.2f}" for x in d.sort().values[:6])
    print(f"{name:18s} of {len(d):6,}, the six nearest to it: {nearest_six}")
kept = int((far["shown 100 times"] < 0.3).sum())
print(f"{kept} of 512 pictures; expected of 1 in 101: {512 / 100.99:.0f}")
figures.pictures(
    [special[0], *by_loud[far["shown 100 times"].argsort()[:7]]],
    f"First the picture that was repeated, then the seven drawn pictures nearest to it. The first "
    f"{kept} are the same picture, somewhat rough; the others are different ones.",
    columns=8,
    inches=0.96,
)

# %%
assert 2 <= kept <= 12 and far["shown once (B)"].min() > 0.4 < far["new real pictures"].min()
first = by_loud[:256]
copied = metrics.copy_rate(first, torch.cat([loud.pictures, unseen]))
of_special = int((far["shown 100 times"][:256] < 0.3).sum())
print(
    f"among the first 256: {of_special} are that one, the rule of part 3 finds {256 * copied:.0f} copies"
)
assert round(256 * copied) <= of_special

# %% [markdown]
# <details><summary>What happened</summary>
#
# It learned that one by heart, and draws it about as often as it met it. A network may be a copier for *some* pictures and not for the rest; an average over all hides it. And look at the last line: "three times nearer than the next" finds only some of these copies, the others are too rough for it. So 0 % in part 3 means that this rule found none, not that there are none.
#
# In a large network, Stable Diffusion, most pictures that could be got back had stood in the training set a hundred times or more (Carlini and others, 2023). But they had searched among the most repeated ones; in another network they also found some that were not repeated.
# </details>
#
# ### A page to talk about
# **What our measurement can say.** Whether a drawn picture is nearly the same, pixel by pixel, as one that the network was trained on. That needs the training set. Somebody who keeps it secret can't be checked this way.
#
# **What it can't say.** A picture may take over someone's style, character or idea and be far away in every pixel. It may be moved, mirrored or recoloured: our distance calls that new, the judge's features see some of it. And "no copies among 64" is not "no copies": one in a thousand would most likely not have shown up.
#
# **What it doesn't settle.** Whether the people who made the training pictures were asked, named or paid is not a question of distances. All our pictures were drawn by a program that we wrote for this. For most large networks it was otherwise: pictures were collected from the web, and their makers mostly not asked. Courts and parliaments are still working on what is allowed, and it differs from country to country.
#
# **For a class.**
# 1. A is asked for pictures for a calendar. May it be sold? Whose are they? And B's?
# 2. You drew one of the 10,000 pictures that B saw. Does B owe you something? What if it was yours that stood there a hundred times?
# 3. A company says "our model memorises nothing". What would you ask it for, to check? What could it answer honestly?
# 4. You learned to draw by looking at other people's pictures. What is the same as here, and what isn't?

# %% [markdown]
# ## What you now know

# %%
grading.summary()

# %% [markdown]
# **Three sentences.** A network that sees few pictures often learns them by heart, and a score of quality does not notice; one that sees many different ones learns a rule, so that strangers trained on different pictures draw nearly the same. Whether something is a copy can only be said beside the training set, and beside what is new for certain. The perfect student of the training set only copies: what is new comes from where a network falls short of it.
#
# **Try this.** Measure the same for *your* network from lesson 04, `checkpoints.load("../data/my-model.safetensors")`. It saw all 20,000 pictures, `unseen` too, so take new ones: `datasets.load_critters(48, seed=1).x0`. Is it nearer to A or to B? And if a computer has an hour to spare: in a terminal, in the folder of the course, `.venv/bin/python tools/train_copying.py --seed 5 --out build/mine` makes nine students of your own (with conda it begins with `python`; without `--out` it overwrites ours). `copying.load("../build/mine")` reads them.
#
# **Where it lives now.** `metrics.nearest`, `copy_rate`, `frechet_distance` and `precision_recall`; the guessers in `denoisers`; the students in `copying`.
#
# **What we hid.** The norm layers of "convolutions only" still look at the whole picture once each, so it is not strictly local. The two strangers share the static, the make of the network and the schedule. And 10,000 is not a law: how many pictures it takes depends on the pictures, on the network and on how long it trains.
