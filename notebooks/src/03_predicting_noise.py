# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · How can a network predict something random?
#
# Nobody can learn to predict dice. Yet "predict the noise" is what such networks are trained for. And below static turns into a cat on a skateboard, *although nothing was trained*. How?
#
# At the end you can
# - say what is recognised when noise is "predicted";
# - turn static into perfect pictures, in ten lines, without training;
# - say what is wrong with that, and whether a loss of 0.04 is good.
#
# **25 minutes for the core**; *Prove it* and *Go further* are folded below it.

# %%
from itertools import pairwise

import torch

from diffusion_lessons import checkpoints, forward, metrics, sampling, schedules
from diffusion_lessons.course import figures, grading
from diffusion_lessons.course import lesson_03 as lesson
from diffusion_lessons.critters import datasets
from diffusion_lessons.denoisers import IdealDenoiser

# %%
schedule, pictures = schedules.cosine(1000), datasets.load_critters(2000).x0
alpha_bar = torch.tensor(schedule.alpha_bar)
static = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))
untrained = IdealDenoiser(pictures, schedule)  # by the end of the core you know what it is
film = list(sampling.sample(untrained, schedule, static[:1], 10, step=sampling.ddim_step))
figures.film_strip(
    [(frame.t, frame.x_t[0], frame.x0_hat[0]) for frame in film],
    "Static becomes a picture in ten steps, from left to right. Above, what is held; below, the "
    "picture that the guesser sees under it: a grey ghost, then a mixture, then a cat, sharp at "
    "once, long before our eyes can find one above.",
)

# %% [markdown]
# ## The core: 25 minutes
#
# ### 1 · What is recognised?
#
# Lesson 02 mixed a picture $x_0$ with noise ε: √ᾱ of the one, √(1 − ᾱ) of the other, where ᾱ ("alpha-bar") is the share of the picture's power that is kept. A trained network (lesson 04 makes one) splits such a mixture $x_t$ into a guess of the picture, x̂₀, and a guess of the noise, ε̂. Here it gets two new pictures, each under two noises.
#
# **Predict.** Which guesses of the picture will look alike: those of the same noise, or of the same picture?


# %%
def guesses(model, x_t, t):
    t = torch.full((len(x_t),), t)
    with torch.no_grad():
        return forward.prediction(schedule, x_t, t, model(x_t, t), model.target)


network, new = checkpoints.load(), datasets.load_critters(200, seed=1).x0
fox, car, (noise_1, noise_2) = new[14], new[1], static[:2]
x0 = torch.stack([fox, fox, car, car])
eps = torch.stack([noise_1, noise_2, noise_1, noise_2])
x_t = forward.add_noise(schedule, x0, 700, eps)
seen = guesses(network, x_t, 700)

# %%
figures.pictures(
    [*x_t, *seen.x0_hat],
    "Above, four mixtures at t = 700, in which our eyes find little. Below, the network's guesses "
    "of the picture: twice nearly the same fox in the mountains, twice nearly the same car on the beach, "
    "whatever the noise.",
    columns=4,
    titles=["fox, noise 1", "fox, noise 2", "car, noise 1", "car, noise 2"],
    labels=["$x_t$", "guess x̂₀"],
)


# %%
def correlation(a, b):
    """Correlation: 1 for the same up to brightness and contrast, about 0 for strangers."""
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])


average = pictures.mean(0)  # all guesses share it, so it is taken away first
x0_hat = seen.x0_hat - average
same_picture, same_noise = correlation(*x0_hat[:2]), correlation(*x0_hat[::2])
print(f"guesses of the picture: same picture {same_picture:.1f}, same noise {same_noise:.1f}")
print(f"guess of the noise: the true noise {correlation(seen.eps_hat[0], noise_1):.2f}, ", end="")
print(f"other noise {correlation(seen.eps_hat[0], noise_2):.2f}")
print(f"noise 1 and the fox under it: {abs(correlation(noise_1, fox)):.2f}")

# %% [markdown]
# <details><summary>What happened</summary>
#
# The guess follows the picture: 0.9 for the same one, 0.3 for the same noise. Why not 0? Two pictures can be a little alike by chance; over fifty pairs (*Prove it*) it is 0.9 against 0.0. Exchange the noise, and the guess stays much the same.
# </details>
#
# *Noise is random, so how can it be learned?* It can't, and it isn't. The network **recognises the picture**; the noise is what is left over:
#
# $$\varepsilon = \frac{x_t - \sqrt{\bar\alpha_t}\;x_0}{\sqrt{1-\bar\alpha_t}}$$
#
# One pixel, seen as 1.1, at ᾱ = 0.64. Who knows the picture knows the noise:
#
# | if the pixel was | its part √ᾱ x₀ | left over | the noise is |
# |---|---|---|---|
# | 0.5 | 0.8 · 0.5 = 0.4 | 1.1 − 0.4 = 0.7 | 0.7 / 0.6 = 1.17 |
# | −0.5 | 0.8 · (−0.5) = −0.4 | 1.1 + 0.4 = 1.5 | 1.5 / 0.6 = 2.5 |
#
# *Is the noise an embedding, a hidden version, of my picture?* No: it was drawn without a look at the picture, and they have next to nothing in common (the last line above). What the network finds is the √ᾱ of the picture that is still there.
#
# ### Break it: the same dice over other pictures
# **Predict.** The same noise over new critters, over a photo of a cat, and over critters with shuffled pixels. If it knew the dice, all three would be equally easy. (Error: mean square of ε̂ − ε. Who always answers 0 gets 1.)

# %%
shuffled = torch.randperm(32 * 32, generator=torch.Generator().manual_seed(0))
kinds = {
    "critters": new[:50],
    "cat photo": datasets.photo("chelsea", 32).expand(50, -1, -1, -1),
    "shuffled": new[:50].flatten(2)[..., shuffled].reshape(50, 3, 32, 32),
}
dice, tried = static[:50], []
for name, x0 in kinds.items():
    x_t = forward.add_noise(schedule, x0, 300, dice)
    seen = guesses(network, x_t, 300)
    tried.append((x_t[9], seen.x0_hat[9], (seen.eps_hat - dice).square().mean()))
    print(f"{name:9s}  error of the predicted noise {tried[-1][2]:.2f}")

# %%
assert tried[0][2] < 0.1 and tried[1][2] > 2 * tried[0][2] and tried[2][2] > 6 * tried[0][2]
figures.pictures(
    [x_t for x_t, _, _ in tried] + [x0_hat for _, x0_hat, _ in tried],
    "Three pictures under the same noise, t = 300, and the guesses below. The critter comes out "
    "clean. The photo of a cat, which is no critter, comes out smeared, and from shuffled pixels "
    "it makes patches and edges that are not there.",
    columns=3,
    titles=list(kinds),
    labels=["$x_t$", "guess x̂₀"],
    inches=1.6,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Same dice, other errors. It knows *pictures of one kind*; these two are of other kinds, and much of them is taken for noise. (They also hold more fine detail, which is harder for anyone.)
# </details>
#
# ### 2 · A guesser without any training
#
# Suppose we know all possible pictures, three of one pixel: −1, 0 and 1, each as likely as the others. We see $x_t$ = 0.5, at ᾱ = 0.64. Let each picture **vote for itself**, the more, the better it explains what we see. The **gap** is what we see minus what we would see of that picture without noise, $x_t - \sqrt{\bar\alpha_t}\,x_i$. It must be noise, so the bell curve says how likely it is: e to the minus gap², divided by twice the variance, which is 1 − ᾱ:
#
# $$w_i \;\propto\; \exp\!\left(-\frac{\lVert x_t - \sqrt{\bar\alpha_t}\,x_i\rVert^2}{2\,(1-\bar\alpha_t)}\right)$$
#
# (∝: then divide by the sum. ‖ ‖²: square at each pixel, and add.)
#
# | picture $x_i$ | seen as √ᾱ $x_i$ | gap² | e to −gap² / 0.72 | vote |
# |---|---|---|---|---|
# | −1 | −0.8 | 1.69 | 0.10 | 6 % |
# | 0 | 0 | 0.25 | 0.71 | 42 % |
# | 1 | 0.8 | 0.09 | 0.88 | 52 % |
#
# (0.72 is 2 · (1 − 0.64).) The guess is the average by votes: −0.057 + 0 + 0.524, about 0.47. This vote is the **ideal guesser**, in code `IdealDenoiser`: on pictures that it knows none can be less wrong on average (*Prove it* shows why).
#
# ### Your turn: `votes`
# `x_t` is a row of D pixels, `data` has N such rows, `alpha_bar_t` is ᾱ. Return the N votes, which add up to 1. `x_t - data` takes every row from `x_t` at once, and `.sum(1)` adds along each row. What stands inside exp( … ) are the N exponents. To a computer e^−1500 is 0, and 0 / 0 is no number; `torch.softmax(exponents, 0)` raises e to each of them and divides by the sum, safely.


# %%
def votes(x_t, data, alpha_bar_t):
    raise NotImplementedError


# %%
votes = lesson.votes.check(votes)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: votes}
# ```
# </details>

# %%
three = torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64)
w = torch.as_tensor(votes(torch.tensor([0.5]).double(), three, torch.tensor(0.64).double()))
print("votes", [f"{share:.0%}" for share in w], f"guess {float(w.double() @ three):.2f}")

# %% [markdown]
# **Predict.** Now 2,000 pictures. At t = 800 a tenth of the power is left, and we see static. How many of them will share the votes: nearly all, a hundred, or one?

# %%
levels, some = [*range(25, 1000, 25), 1000], pictures[:64]
leader, hits = [], {}
for t in levels:
    w = untrained.weights(forward.add_noise(schedule, some, t, static), t)  # votes, 64 at a time
    leader.append(100 * w.max(1).values.median())
    hits[t] = (w.argmax(1) == torch.arange(64)).double().mean()
figures.lines(
    levels,
    {"leader": leader},
    "The share of votes that the leading picture gets (median of 64 trials): all of them up to "
    "about t = 850, then it falls to next to nothing within a short stretch.",
    xlabel="step t, from the picture (0) to noise (1000)",
    ylabel="votes of the leader, %",
    colors={"leader": figures.PREDICTION},
)

# %%
for t in (400, 800, 900, 950, 1000):
    votes_won = leader[levels.index(t)]
    print(f"t = {t:4d}: the leader has {votes_won:5.1f} %, and is right in {hits[t]:.0%} of trials")
assert leader[levels.index(800)] > 99 and leader[-1] < 0.1 and hits[800] > 0.8

# %% [markdown]
# <details><summary>What happened</summary>
#
# One, and mostly the right one. Each of 3,072 numbers is a weak clue, and clues multiply. (Some pictures are empty places with a near-twin among the 2,000. Twins are mixed up even under little noise.) In pure static each picture has 1/2000, and the guess is the average of all.
# </details>
#
# **Move the slider.** Where does it begin to waver? Then give it a *new* picture, which is not among the 2,000. What does it answer where there is hardly any noise, and how sure is it?


# %%
def votes_at(t, picture):
    x0 = {"a known one": pictures[38:39], "a new one": new[3:4]}[picture]
    x_t = forward.add_noise(schedule, x0, t, static[:1])
    shares, who = untrained.weights(x_t, t)[0].topk(10)
    says = f"At t = {t}, {picture}: the ten with most votes hold {shares.sum():.1%} of them."
    return x_t, pictures[who], shares.tolist(), untrained(x_t, t), says


lesson.ballot(*votes_at(900, "a known one"))

# %% tags=["nbval-ignore-output"]
from diffusion_lessons.course import live


def view_of_votes(t, picture):
    x_t, leaders, shares, guess, says = votes_at(t, picture)
    titles = ["seen, xₜ", "guess, x̂₀", *(f"{share:.1%}" for share in shares)]
    return live.View([x_t, guess, *leaders], says, titles)


live.Explorer(
    view_of_votes,
    "What is seen, the guess, and the ten pictures with most votes, at level 900. In JupyterLab a "
    "slider stands above, and a choice between a known picture and a new one.",
    controls={
        "level t": [1, *range(20, 1001, 20)],
        "picture:": ["a known one", "a new one"],
    },
    start=[900, "a known one"],
    columns=6,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# It wavers above 850. In front of the new picture, at t = 1 a car plain to see, it is entirely sure, and says: no car. It owns none like that, and of all its pictures an empty landscape is nearest.
# </details>
#
# ### 3 · Ten lines that turn static into a picture
#
# Guess the picture; the noise is what is left over; mix the two again with *a little less noise*; repeat. In the code t is the level where we are, s the next, lower one, and `w @ memory` is the average by votes. (Lesson 05 looks at this loop closely.)

# %%
memory = pictures.flatten(1).double()


def develop(x_T, n):
    x_t = x_T.double()
    for t, s in pairwise(schedule.timesteps(n).tolist()):  # 1000, …, 0 in n steps
        w = torch.as_tensor(votes(x_t.flatten(), memory, alpha_bar[t])).double()
        x0_hat = (w @ memory).reshape(x_t.shape)
        eps_hat = (x_t - alpha_bar[t] ** 0.5 * x0_hat) / (1 - alpha_bar[t]) ** 0.5
        x_t = alpha_bar[s] ** 0.5 * x0_hat + (1 - alpha_bar[s]) ** 0.5 * eps_hat
    return x_t.float()


# %% [markdown]
# **Predict.** Six times static, ten steps. Mush, six times the same, or six good pictures? If good, *who drew them*?

# %%
drawn = torch.stack([develop(x_T, 10) for x_T in static[:6]])
twin = metrics.nearest(drawn, pictures)
figures.pictures(
    [*static[:6], *drawn, *pictures[twin.index]],
    "Top, static. Middle, what our ten lines made of it: six different perfect pictures. Bottom, "
    "the nearest of the 2,000 pictures, with its number at the top: the same six.",
    columns=6,
    titles=[f"no. {number}" for number in twin.index],
    labels=["static", "result", "known"],
    inches=1.28,
)

# %%
for number, far in zip(twin.index.tolist(), twin.distance, strict=True):
    print(f"picture {number:4d} of the training set, distance {far:.4f}")
same = datasets.to_pixels(drawn) == datasets.to_pixels(pictures[twin.index])
assert same.all() and len(set(twin.index.tolist())) == 6

# %% [markdown]
# <details><summary>What happened</summary>
#
# They are *copies*, to the last pixel. This guesser can't draw. It averages pictures that it owns, and as the noise goes, one of them gets all votes. With ten steps, the static decides which.
# </details>
#
# *If one guess gives x₀, why many steps?* Of 64 pictures of static, count those that end as an exact copy:

# %%
few = {}
for n in (1, 2, 3, 4, 10):
    *_, last = sampling.sample(untrained, schedule, static, n, step=sampling.ddim_step)
    twin = metrics.nearest(last.x_t, pictures)
    copied = datasets.to_pixels(last.x_t) == datasets.to_pixels(pictures[twin.index])
    few[n] = copied.all((1, 2, 3)).mean(), last.x_t
    print(f"{n:2d} step{'s' * (n > 1)}: {few[n][0]:4.0%} are exact copies")
print(f"after one step, distance from the average {(few[1][1] - average).abs().max():.2f} at most")
assert few[1][0] == 0 and 0.2 < few[2][0] < 0.9 and few[4][0] > 0.95 and few[10][0] == 1

# %%
figures.pictures(
    [x_t[i] for i in (3, 5, 6) for _, x_t in few.values()],
    "Three pictures of static, one a row. One step gives the same grey ghost three times. Two "
    "steps give a picture or a mixture of a few; ten give one picture, and not always the one of "
    "fewer steps.",
    columns=5,
    titles=[f"{n} step{'s' * (n > 1)}" for n in few],
    inches=1.28,
)

# %% [markdown]
# Because the first guess is the average of all that is possible, and in pure static everything is. Every step leaves less possible. With other steps the votes are counted at other levels, so the same static can end as another picture. (With a perfect memory few steps will do; a network needs more.)
#
# ### 4 · Is a loss of 0.04 good?
# While a network is trained, one number says how wrong it is: usually the mean square of ε̂ − ε, as in *Break it*. It is called the **loss**, and low is good. So is 0.04 low? (Ours was trained on a relative of it, which lesson 04 explains; here we measure this one.)
#
# The ideal guesser with 20,000 pictures in its memory against the network, which was trained on these and 40,000 more. (The first time, they are drawn now.)
#
# **Predict.** Whose noise is less wrong on known pictures? On new ones?

# %% tags=["nbval-ignore-output"]
known = datasets.load_critters(20_000).x0
ideal = IdealDenoiser(known, schedule)


def noise_error(model, x0, t):
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(t))
    seen = guesses(model, forward.add_noise(schedule, x0, t, eps), t)
    return float((seen.eps_hat - eps).square().mean())


contest = {
    "network, known pictures": (network, known[:64]),
    "network, new pictures": (network, new[:64]),
    "ideal, known pictures": (ideal, known[:64]),
    "ideal, new pictures": (ideal, new[:64]),
}
levels = range(100, 1000, 100)
errors = {name: [noise_error(*who, t) for t in levels] for name, who in contest.items()}

# %%
lesson.errors_by_level(
    levels,
    errors,
    "Error of the predicted noise. The network's two curves lie on each other: new pictures are "
    "as easy as known ones. The ideal guesser is far below them on pictures that it knows, and "
    "above them on new ones, up to t = 800. A loss of 0.04, dotted, crosses the network near 400.",
    mark=0.04,
)

# %%
print("                          t = 100     400     800     900   mean of all nine")
for name, curve in errors.items():
    chosen = "".join(f"{curve[t // 100 - 1]:8.4f}" for t in (100, 400, 800, 900))
    print(f"{name:24s} {chosen}   {sum(curve) / 9:8.4f}")
of_average = schedule.snr[900] * (new[:64] - average).square().mean()  # see "Prove it"
print(f"always answering with the average picture, at t = 900: {of_average:.4f}")
fewer = noise_error(IdealDenoiser(known[:6500], schedule), new[:64], 400)
print(f"ideal, new pictures, t = 400, with only 6,500 in memory: {fewer:.4f}")
net_known, net_new, ideal_known, ideal_new = (torch.tensor(curve) for curve in errors.values())
assert (net_new[:8] < ideal_new[:8]).all() and (ideal_known < net_known).all()
assert of_average < 0.04 and 0.03 < net_new[3] < 0.05 and 4 < net_new[0] / 0.04 < 5
assert ideal_new[0] > 1 and ideal_new[3] > 0.1 and ideal_known[3] < 0.001
assert 0.5 < ideal_new[3] / fewer < 1

# %% [markdown]
# <details><summary>What happened</summary>
#
# No one beats the ideal guesser on what it knows by heart. For a new picture it still answers with one that it owns, and is sure of it: at t = 100 that is *worse than answering 0*. The network has learnt what critters have in common. (Is it fair that the network met three times as many? Look at the last line: from 6,500 to 20,000 is three times, too, and it helps the ideal guesser little.) At 900 our eyes find nothing, but both have half the error of the average picture, and on new pictures they are nearly equal.
# </details>
#
# So is 0.04 good? **The number alone says nothing.** It is about what our network gets at t = 400. At 100 it would be four times better than our network, and at 900 worse than always answering with the average picture. Ask: at which level, on which pictures, and what is *possible*?
#
# *Can the loss be low, and a whole level be learnt badly?* Yes. The mean comes mostly from levels with little noise (0.16 at 100, 0.0034 at 900). Suppose a network were blind at 900, where a picture begins, and always answered with the average picture: 0.007 there. The mean of nine levels, 0.044, would hardly move, and nobody would notice. (What that would do to the pictures is another question.)
#
# *End of the core. Short of time? Jump to "What you now know" at the end.*

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### Fifty pairs
# In the core, guesses followed the picture and not the noise, for one pair. That may be luck; here are fifty.

# %%
first, second, other = (
    guesses(network, forward.add_noise(schedule, x0, 700, eps), 700).x0_hat - average
    for x0, eps in (
        (new[:50], static[:50]),
        (new[:50], static[:50].flip(0)),
        (new[100:150], static[:50]),
    )
)
same_picture = sum(map(correlation, first, second)) / 50
same_noise = sum(map(correlation, first, other)) / 50
print(f"mean of 50: same picture {same_picture:.1f}, same noise {same_noise:.1f}")
assert same_picture > 0.75 and abs(same_noise) < 0.2

# %% [markdown]
# ### The votes, by counting
# Where does the formula come from? Play the game a million times: draw one of the three pixels, add noise, and keep only the games in which $x_t$ came out at 0.5 (give or take 0.05). Which pixel was it, how often?

# %%
dice = torch.Generator().manual_seed(4)
x0 = three[torch.randint(3, (1_000_000,), generator=dice), 0]
x_t = 0.8 * x0 + 0.6 * torch.randn(x0.shape, generator=dice, dtype=torch.float64)
kept = x0[(x_t - 0.5).abs() < 0.05]
counted = [float((kept == value).double().mean()) for value in three[:, 0]]
print("counted", [f"{share:.0%}" for share in counted], f"average {kept.mean():.2f}")
by_formula = votes(torch.tensor([0.5]).double(), three, torch.tensor(0.64).double())
assert all(abs(a - b) < 0.02 for a, b in zip(counted, by_formula, strict=True))

# %% [markdown]
# That is Bayes' rule. Before we look, all N pictures are equally likely. How likely is it to see $x_t$ if the picture is $x_i$? The noise has to be exactly what is left over, and at each pixel that has the likelihood of the bell curve, $e^{-\text{gap}^2/(2(1-\bar\alpha))}$. The pixels' noises are independent, so multiply: the gaps² add up in the exponent. Divide by the sum over all pictures, and these are the votes.
#
# And why *average* by votes? The training loss is the mean square of the error. For a guess g the expected loss is $\sum_i w_i \lVert x_i - g\rVert^2$. Its slope, $2\sum_i w_i\,(g - x_i)$, is 0 where $g = \sum_i w_i x_i$, since the votes add up to 1. So **of all possible networks, none has a lower loss on these pictures** than the ideal guesser.
#
# ### Your turn: `leftover_noise`
# Guess of the picture in, guess of the noise out:
#
# $$\hat\varepsilon = \frac{x_t - \sqrt{\bar\alpha_t}\;\hat x_0}{\sqrt{1-\bar\alpha_t}}$$


# %%
def leftover_noise(x_t, x0_hat, alpha_bar_t):
    raise NotImplementedError


# %%
leftover_noise = lesson.leftover_noise.check(leftover_noise)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: leftover_noise}
# ```
# </details>
#
# Write the same formula once more, with the true $x_0$ and ε, and subtract: the error of ε̂ is the error of x̂₀, times −√ᾱ/√(1 − ᾱ). So their mean squares differ by the factor ᾱ/(1 − ᾱ), the signal-to-noise ratio.
#
# **Predict.** The error in ε̂ falls as noise grows. And the error in x̂₀?

# %%
print("   t   error of ε̂   error of x̂₀   ratio   ᾱ/(1 − ᾱ)")
for t in (100, 400, 900):
    x_t = forward.add_noise(schedule, new[:64], t, static)
    x0_hat = guesses(network, x_t, t).x0_hat
    of_noise = (leftover_noise(x_t, x0_hat, alpha_bar[t]) - static).square().mean()
    of_picture = (x0_hat - new[:64]).square().mean()
    ratio = of_noise / of_picture
    print(f"{t:4d} {of_noise:12.4f} {of_picture:13.4f} {ratio:9.3f} {schedule.snr[t]:9.3f}")
    assert abs(ratio / schedule.snr[t] - 1) < 0.01

# %% [markdown]
# <details><summary>What happened</summary>
#
# It rises. The same guess, measured in two units: where there is little noise, its exact value is hard to tell, and the picture is nearly free; where there is much, the other way round. One more reason to ask "a loss of *what*?". (Lesson 04 trains on a third quantity, the velocity, whose errors are more even.)
# </details>
#
# ### A floor that is truly known
# For critters nobody knows the least possible error on *new* pictures. So take pictures of two pixels whose law we make ourselves: choose one of three centres, add a cloud of spread 0.15. If the ideal guesser is told the law (centres and spread) instead of examples, its error on new pictures is the **floor**: no guesser in the world can be better. The guesser votes again, now for the three centres. But a picture may lie off its centre, so part of the gap is picture, and only the rest is noise. k says how much of the gap to add to the centre:
#
# $$\hat x_0 = \sum_i w_i\,\bigl(x_i + k\,(x_t - \sqrt{\bar\alpha_t}\,x_i)\bigr),\qquad k = \frac{\sqrt{\bar\alpha_t}\;0.15^2}{\bar\alpha_t\,0.15^2 + 1 - \bar\alpha_t}$$
#
# Below the fraction line stands the variance of $x_t$ around a centre, cloud and noise together. In the votes it takes the place of 1 − ᾱ.

# %%
centres, spread = torch.tensor([[-0.8, -0.6], [0.1, 0.8], [0.8, -0.3]]), 0.15


def draw_dots(n, seed):
    dice = torch.Generator().manual_seed(seed)
    cloud = spread * torch.randn(n, 2, generator=dice)
    return centres[torch.randint(3, (n,), generator=dice)] + cloud


dots, new_dots = draw_dots(2000, 0), draw_dots(20_000, 1)
lesson.scatter(
    dots,
    "Two thousand pictures of two pixels each: three round clouds. Every dot is a picture.",
)


# %%
from diffusion_lessons.unet import time_features


class DotNetwork(torch.nn.Module):
    """A tiny network for pictures of two pixels, which answers with the velocity."""

    target = "v"

    def __init__(self, width=64):
        super().__init__()
        self.linear_in = torch.nn.Linear(2 + 64, width)
        self.middle = torch.nn.ModuleList(torch.nn.Linear(width, width) for _ in range(2))
        self.linear_out = torch.nn.Linear(width, 2)

    def forward(self, x_t, t, cond=None):
        h = torch.cat([x_t, time_features(t, 64)], dim=1)
        h = torch.nn.functional.silu(self.linear_in(h))
        for layer in self.middle:
            h = h + torch.nn.functional.silu(layer(h))
        return self.linear_out(h)


# %% [markdown]
# **Predict.** A network of some thirteen thousand numbers, trained for a few seconds on the 2,000 dots. How close will it come to the floor on new dots: ten times, double, or within a few per cent? And where will 20 dots, known by heart, end up?

# %% tags=["nbval-ignore-output"]
from tqdm.auto import tqdm

from diffusion_lessons.train import make_ema, train

torch.manual_seed(0)  # a network starts from random weights
student = DotNetwork()
of_dots = make_ema(student)
steps = train(student, dots, schedule, samples=512_000, batch=512, ema=of_dots)
for _ in tqdm(steps, total=1000):
    pass

# %% tags=["nbval-ignore-output"]
contest = {
    "ideal, 20 dots by heart": IdealDenoiser(dots[:20], schedule),
    "network, 2,000 dots": of_dots,
    "floor, knows the law": IdealDenoiser(centres, schedule, spread),
}
dot_levels = [50, *range(100, 1000, 100)]
errors = {
    name: [noise_error(model, new_dots, t) for t in dot_levels] for name, model in contest.items()
}
lesson.errors_by_level(
    dot_levels,
    errors,
    "Error on new dots. The network lies on the floor, at all levels. Twenty dots known by "
    "heart are above both where there is little noise.",
    mark=0.04,
)

# %% tags=["nbval-ignore-output"]
by_heart, reached, floor = (torch.tensor(curve) for curve in errors.values())
print("     t    floor   network   ratio")
for t in (50, 100, 200, 400, 800):
    i = dot_levels.index(t)
    print(f"{t:6d} {floor[i]:8.3f} {reached[i]:9.3f} {reached[i] / floor[i]:7.2f}")
assert (reached / floor).max() < 1.1 and (reached / floor).min() > 0.99
assert by_heart[0] > 1.5 * floor[0] and 0.65 < floor[0] < 0.8

# %% [markdown]
# <details><summary>What happened</summary>
#
# Within ten per cent, mostly within three. And look at the floor itself: at t = 50 *no one* gets below 0.7, as nobody can tell the cloud's scatter from the noise. A loss of 0.04 is impossible there, and at t = 800 it is the best there is. The same number, a miracle and a matter of course.
#
# With two pixels, 2,000 dots fill the clouds, and knowing those by heart would probably be nearly as good as the law. With 3,072 numbers a picture, 20,000 pictures fill nothing.
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### Real handwriting
# 1,797 digits of 8 × 8 pixels, written by people. 1,500 to learn from, 297 new. A small network is trained on them, and the ideal guesser is handed the same 1,500.
#
# **Predict.** Which of the two is better on new digits? Remember that here 64 numbers are a picture, not 3,072.

# %%
from diffusion_lessons.unet import UNet, count_weights

digits = datasets.digits()[0][torch.randperm(1797, generator=torch.Generator().manual_seed(0))]
known_digits, new_digits = digits[:1500], digits[1500:]
clerk = IdealDenoiser(known_digits, schedule)
torch.manual_seed(0)
student = UNet(channels=1, widths=(24, 48))
writer = make_ema(student)
print(f"{count_weights(writer):,} weights to learn")

# %% tags=["nbval-ignore-output"]
steps = train(student, known_digits, schedule, samples=50_048, batch=128, ema=writer)
for _ in tqdm(steps, total=391):
    pass

# %% tags=["nbval-ignore-output"]
contest = {
    "network, known digits": (writer, known_digits[:297]),
    "network, new digits": (writer, new_digits),
    "ideal, known digits": (clerk, known_digits[:297]),
    "ideal, new digits": (clerk, new_digits),
}
errors = {name: [noise_error(*who, t) for t in levels] for name, who in contest.items()}
lesson.errors_by_level(
    levels,
    errors,
    "Error on digits. Left, with little noise, as with the critters: the ideal guesser is best on "
    "what it knows and worst on what is new. From the middle on it is as good as the network on "
    "new digits too, or a little better.",
)

# %% tags=["nbval-ignore-output"]
net_known, net_new, ideal_known, ideal_new = (torch.tensor(curve) for curve in errors.values())
for t in (100, 200, 300, 500, 700):
    i = t // 100 - 1
    print(f"t = {t}: new digits, network {net_new[i]:.3f}, ideal {ideal_new[i]:.3f}")
assert (net_new[:3] < ideal_new[:3]).all() and (ideal_new[4:8] < 1.05 * net_new[4:8]).all()
assert (net_new / net_known).max() < 1.2

# %% [markdown]
# <details><summary>What happened</summary>
#
# Each has its half. Where there is little noise, the answer depends on the exact strokes, and only the network can cope with strokes that it has never seen. Where there is much, only the rough shape counts; 1,500 digits hold about every rough shape that there is, and memory is enough. Memory fails when there are far more possible pictures than known ones, and that happens the sooner, the more pixels and the less noise.
# </details>
#
# Now let both draw, from the same static.
#
# **Predict.** Which of the two rows is made of copies? Will the two rows look alike?

# %% tags=["nbval-ignore-output"]
start = torch.randn(100, 1, 8, 8, generator=torch.Generator().manual_seed(0))
rows, far = [], {"new digits": metrics.nearest(new_digits, known_digits).distance.median()}
for name, model in {"ideal": clerk, "network": writer}.items():
    *_, last = sampling.sample(model, schedule, start, 50, step=sampling.ddim_step)
    twin = metrics.nearest(last.x_t, known_digits)
    rows += [*last.x_t[:10], *known_digits[twin.index[:10]]]
    far[name] = twin.distance.median()
figures.pictures(
    rows,
    "Digits from the same ten pictures of static. First two rows: the ideal guesser's, and the "
    "nearest digit it knows: no difference. Last two rows: the network's, and the nearest known "
    "one: similar, but each is written anew, some of them badly.",
    columns=10,
    labels=["ideal", "known", "learnt", "known"],
    inches=0.8,
)

# %% tags=["nbval-ignore-output"]
for name, distance in far.items():
    print(f"{name:10s}  distance to the nearest known digit {distance:.2f}")
assert far["ideal"] < 0.01 and far["network"] > 0.7 * far["new digits"]

# %% [markdown]
# <details><summary>What happened</summary>
#
# The ideal guesser copies. The network's digits are about as far from the known ones as digits that somebody really wrote, or farther; some are hardly readable, so part of that distance is clumsiness. Often it draws the same digit as the copyist above it, from the same static: both learnt from the same pictures what lies where.
# </details>
#
# ### Your turn: `voters`
# How many voters does a vote really have? If four share equally, 4; if one has nearly everything, about 1. In between, a number from information theory (entropy) does the counting:
#
# $$H = -\sum_i w_i \ln w_i, \qquad \text{voters} = e^{H}$$
#
# where 0 ln 0 counts 0.


# %%
def voters(weights):
    raise NotImplementedError


# %%
voters = lesson.voters.check(voters)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: voters}
# ```
# </details>
#
# **Predict.** In pure static all 2,000 vote. How many at t = 950, where ᾱ is 0.6 per cent?

# %%
for t in (1000, 975, 950, 900, 800):
    x_t = forward.add_noise(schedule, pictures[:64], t, static)
    counted = torch.tensor([float(voters(w)) for w in untrained.weights(x_t, t)])
    print(f"t = {t:4d}: {counted.median():6.0f} voters")
    assert {1000: 1990, 950: 100}.get(t, 0) < counted.median() < {950: 600, 800: 2}.get(t, 2001)

# %% [markdown]
# <details><summary>What happened</summary>
#
# A few hundred, so by then most are out. 0.6 per cent of the power in each pixel, three thousand pixels: that already tells day from night and beach from city. This short stretch is where this guesser decides.
# </details>
#
# ## What you now know

# %%
grading.summary()

# %% [markdown]
# **Three sentences.** To predict the noise is to recognise the picture, and to take what is left over. On pictures that it knows, no guess beats a vote of them all; with it static turns into a perfect picture, which is a copy of one of them. A loss means something only beside its noise level and the best that is possible, and on new critters a small network beats the ideal guesser, except in the thickest noise, where they are level.
#
# **Try this.** Hand `IdealDenoiser` only ten pictures, of your own even (`datasets.image_folder`). What comes out of static now?
#
# **Where it lives now.** `denoisers.IdealDenoiser` is your `votes` for many pictures at a time, `forward.prediction` is your `leftover_noise`, and `sampling.sample` your ten lines.
#
# **What we hid.** Training asks the network for exactly what the ideal guesser does; were it to succeed, it would be a copyist too. It doesn't: its errors on known and on new pictures are alike. Probably it is too small for 60,000 pictures, and saw each too seldom, some twenty times. (With few pictures and long training networks do copy: a later lesson.) Why it then fails so *well*, nobody knows completely. In any case, perfect is not what we want. For lesson 04 **we need a student who fails in the right way.**
