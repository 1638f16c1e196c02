# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · How fast should the picture go?
#
# Lesson 01 ended badly: noise added a thousand times, and the numbers grew without limit. One small multiplication cures that. Then comes the real question: how fast should the picture fade? The answer is a list of numbers, the **noise schedule**.
#
# At the end you can
# - say why the picture must shrink as the noise grows;
# - jump from a clean picture to any amount of noise in one line;
# - read and draw a schedule, and catch one that stops too early.
#
# **25 minutes for the core**; *Prove it* and *Go further* are folded below it.

# %%
import numpy as np
import torch

from diffusion_lessons import checks, forward, schedules
from diffusion_lessons.course import figures, interactive
from diffusion_lessons.course import lesson_02 as lesson
from diffusion_lessons.critters import datasets

cat = datasets.photo("chelsea", size=96)
eps = torch.randn(cat.shape, generator=torch.Generator().manual_seed(0))

# %%
moments = (0, 250, 500, 750, 1000)
linear, cosine = schedules.linear(1000), schedules.cosine(1000)
small, grain = datasets.photo("chelsea", size=64), eps[:, :, :64, :64]
figures.pictures(
    [forward.add_noise(s, small, t, grain) for s in (linear, cosine) for t in moments],
    "The same cat and the same noise on two schedules, from the picture (t = 0) to noise "
    "(t = 1000). Half-way, the upper cat is lost, and the lower one can still be made out.",
    columns=5,
    titles=[f"t = {t}" for t in moments],
    labels=["linear", "cosine"],
)

# %% [markdown]
# ## The core: 25 minutes
#
# ### 1 · Why the picture must shrink
#
# Take one pixel of value 0.5. At each step we add noise ε ("epsilon", a fresh draw with mean 0 and spread 1), times 0.1. The *variance*, the spread squared, that one step adds is called β ("beta"): here 0.1² = 0.01. And just before adding, we shrink the pixel a little:
#
# $$x_t = \sqrt{1-\beta}\; x_{t-1} + \sqrt{\beta}\; \varepsilon_t$$

# %%
beta, pixel = 0.01, 0.5
print(f"shrink: {np.sqrt(1 - beta):.3f} × {pixel} = {np.sqrt(1 - beta) * pixel:.4f}")
print(f"add 0.1 × 1.2: {np.sqrt(1 - beta) * pixel + np.sqrt(beta) * 1.2:.4f}")

# %% [markdown]
# **Predict.** Ten thousand copies of this pixel each take 1000 steps. How far are they spread in the end if we only add? And if we shrink and add? Choose for each: about 0, 1, 3 or 100.


# %%
def spread_by_step(shrink, steps=1000):
    rng, x = np.random.default_rng(0), np.full(10_000, pixel)
    spread = [0.0]
    for _ in range(steps):
        x = shrink * x + np.sqrt(beta) * rng.standard_normal(10_000)
        spread.append(x.std())
    return np.array(spread)


only_add, shrink_and_add = spread_by_step(1.0), spread_by_step(np.sqrt(1 - beta))
for t in (1, 10, 100, 1000):
    print(f"step {t:4d}: only add {only_add[t]:.2f}   shrink and add {shrink_and_add[t]:.2f}")
assert round(only_add[-1], 1) == 3.2 and round(shrink_and_add[-1], 1) == 1.0

# %%
figures.lines(
    range(1001),
    {"only add": only_add, "shrink and add": shrink_and_add},
    "The spread of ten thousand copies of one pixel. Adding alone lets it grow and grow; "
    "with shrinking it settles at 1 and stays there.",
    xlabel="steps",
    ylabel="spread",
    colors={"only add": figures.OTHERS[0], "shrink and add": figures.NOISE},
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Variances add (lesson 01). A thousand steps of 0.01 make a variance of 10, a spread of 3.2, and it never stops. With shrinking it stops at 1. Multiplying by √(1 − β) multiplies the *variance* by 1 − β. So if the variance has reached 1, a step makes it
#
# $$(1-\beta)\cdot 1 + \beta = 1.$$
#
# What shrinking takes, noise gives back. That is why there is a square root.
# </details>

# %% [markdown]
# **Break it.** Forget the root and shrink by 1 − β, 0.99 in place of 0.995. Can such a small change matter?

# %%
no_root = spread_by_step(1 - beta)
print(f"after 1000 steps: spread {no_root[-1]:.1f}, variance {no_root[-1] ** 2:.1f}")
assert round(no_root[-1], 1) == 0.7 and round(no_root[-1] ** 2, 1) == 0.5

# %% [markdown]
# <details><summary>What happened</summary>
#
# The spread settles at 0.7, so half the variance is gone. Every step takes twice the share, 2 % of the variance, and the noise still gives back 0.01. The two are equal where the variance is a half. Taking a variance for a spread is a slip that has found its way into published courses.
# </details>
#
# ### 2 · A thousand steps in one jump
#
# A step keeps 1 − β of the picture's *power* (the mean of its squared values). The next keeps 1 − β of that. So the shares multiply, and after t steps there is left
#
# $$\bar\alpha_t = (1-\beta_1)(1-\beta_2)\cdots(1-\beta_t).$$
#
# Call it **ᾱ** ("alpha-bar"): *the share of the picture's power that is left*. Power is a square, so the picture itself was multiplied by √ᾱ. The noise has the rest of the power, 1 − ᾱ. So one jump should do all the steps at once:
#
# $$x_t = \sqrt{\bar\alpha_t}\; x_0 + \sqrt{1-\bar\alpha_t}\; \varepsilon$$
#
# | share left ᾱ | the picture times √ᾱ | the noise times √(1 − ᾱ) | pixel 0.5, ε = 1.2 |
# |---|---|---|---|
# | 1 | 1 | 0 | 0.5 |
# | 0.64 | 0.8 | 0.6 | 0.8 × 0.5 + 0.6 × 1.2 = 1.12 |
# | 0 | 0 | 1 | 1.2 |
#
# ### Your turn: `add_noise`
# `x0` and `eps` are *tensors*, PyTorch's arrays; `alpha_bar_t` is a tensor of one number. `** 0.5` takes a square root.


# %%
def add_noise(x0, alpha_bar_t, eps):
    raise NotImplementedError


# %%
add_noise = checks.add_noise(add_noise)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def add_noise(x0, alpha_bar_t, eps):
#     return alpha_bar_t**0.5 * x0 + (1 - alpha_bar_t) ** 0.5 * eps
# ```
# </details>

# %%
share = torch.tensor(0.64, dtype=torch.float64)
example = add_noise(torch.tensor([0.5]), share, torch.tensor([1.2]))
print(f"ᾱ = 0.64: the pixel becomes {float(example[0]):.2f}")

# %% [markdown]
# Is it true? Walk the cat a thousand small steps, each keeping α = 0.9997 of the power. On the way, add up all the noises, each with the weight that the later steps leave of it:
#
# $$\varepsilon = \frac{1}{\sqrt{1-\bar\alpha_T}} \sum_{s=1}^{T} \sqrt{\alpha^{T-s}\,(1-\alpha)}\;\varepsilon_s$$
#
# **Predict.** Jump once with this *combined* noise. Will the picture be similar, or the same?

# %%
alpha, T = 0.9997, 1000
alpha_bar_T = torch.tensor(alpha**T, dtype=torch.float64)
x = cat.double()
combined, dice = torch.zeros_like(x), torch.Generator().manual_seed(1)
for s in range(1, T + 1):
    eps_s = torch.randn(cat.shape, generator=dice, dtype=torch.float64)
    x = alpha**0.5 * x + (1 - alpha) ** 0.5 * eps_s
    combined += (alpha ** (T - s) * (1 - alpha) / (1 - alpha_bar_T)) ** 0.5 * eps_s
jump = add_noise(cat.double(), alpha_bar_T, combined)
print(f"share left: {float(alpha_bar_T):.3f}   spread of the combined noise: {combined.std():.1f}")
print("the same to six decimals:", bool(abs(x - jump).max() < 1e-6))
assert abs(x - jump).max() < 1e-6 and abs(combined.std() - 1) < 0.02

# %%
fresh = add_noise(cat, alpha_bar_T, eps)
figures.pictures(
    [x, jump, fresh],
    "A thousand steps, one jump with their combined noise, and one jump with other noise. The "
    "first two agree in every pixel; the third is another draw of the same kind.",
    titles=["1000 steps", "1 jump", "1 jump, other noise"],
    inches=2,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# The same, pixel by pixel, to six decimals. And the combined noise has spread 1 again, like a single fresh draw. So the third picture, with other noise, is just as likely as the first. *Prove it* tests this on twenty thousand copies of one pixel.
# </details>

# %% [markdown]
# So **training never walks.** Not step by step, as one often reads: each training example is one picture, one level drawn at random, one jump.

# %%
critters = datasets.load_critters(500).x0
levels = torch.randint(1, 1001, (8,), generator=torch.Generator().manual_seed(3))
draws = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(4))
left = torch.tensor(cosine.alpha_bar)
figures.pictures(
    [add_noise(critters[i], left[levels[i]], draws[i]) for i in range(8)],
    "Eight training examples: eight pictures, each at a level of its own. At a small t a critter "
    "is plain to see, at a large t there is only static.",
    titles=[f"t = {t}" for t in levels.tolist()],
    inches=1,
)

# %% [markdown]
# ### 3 · Three schedules
#
# A schedule is the list $\bar\alpha_0, \bar\alpha_1, \dots, \bar\alpha_T$: from 1 (the picture) down to about 0 (noise). *Linear* (2020) lets β grow evenly. *Cosine* (2021) bends ᾱ gently at both ends. The third is *mine*, and in a moment yours: (1 − t/T) to a power that you choose.


# %%
def three_schedules(t, bend):
    mine = (1 - np.arange(1001) / 1000) ** bend
    curves = {"linear": linear.alpha_bar, "cosine": cosine.alpha_bar, "mine": mine}
    noisy = {name: add_noise(cat, torch.tensor(a[t]), eps) for name, a in curves.items()}
    words = ", ".join(f"{a[t]:.1%} ({name})" for name, a in curves.items())
    caption = f"At t = {t} the power left is {words}. The more is left, the plainer is the cat."
    return lesson.schedules_at(noisy, curves, t, caption)


three_schedules(t=500, bend=2)

# %%
half = [int(np.argmax(s.alpha_bar < 0.5)) for s in (linear, cosine)]
print("half the power is gone at t =", half[0], "(linear) and", half[1], "(cosine)")
print(f"left at t = 700: {linear.alpha_bar[700]:.1%} and {cosine.alpha_bar[700]:.1%}")
assert half == [260, 497] and linear.alpha_bar[700] < 0.01

# %% [markdown]
# The linear schedule drops the cat early: its last 300 steps have less than 1 % left to work on. Divide the two shares, ᾱ/(1 − ᾱ), and you have the **signal-to-noise ratio**: it is 1 where half is left.
#
# **Predict.** Where on the slider will the linear cat vanish for you, and where the cosine cat? Press the button there, for each. What do the two places have in common? Then choose a *bend* that keeps the cat as long as possible, and one that drops it at once. What do you lose either way?

# %% tags=["nbval-ignore-output"]
interactive.noise_explorer(
    cat,
    {"linear": linear, "cosine": cosine},
    "The cat at three steps of the linear schedule: plain at t = 100, a ghost at t = 350, gone at "
    "t = 900. In JupyterLab and in an exported page step and schedule can be chosen.",
    bend=2,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# The places differ in t, but hardly in ᾱ: what you can see depends on how much is left, not on the step. Steps spent where nothing happens are wasted. A bend of 6 is hardly more than noise from half-way on. A bend of 0.5 keeps the cat long, and then drops it in a few coarse steps at the very end. No schedule is best for everything: a larger picture of the same cat needs more noise, since its neighbouring pixels tell the same story and the eye averages them.
# </details>
#
# ### 4 · What is left at the last step?
#
# Later we start from pure noise and go backwards. So the last step had better *be* pure noise. A well-known tutorial, in its first version, took the linear schedule, but with T = 200.
#
# **Predict.** Of these three pictures of static, one still has a cat in it. Which?

# %%
ends = {"A": schedules.linear(200), "B": linear, "C": schedules.cosine(200)}
figures.pictures(
    [add_noise(cat, torch.tensor(s.alpha_bar[-1]), eps) for s in ends.values()],
    "Three pictures of static, A, B and C, each the last step of a schedule. They look alike.",
    titles=list(ends),
    inches=2,
)

# %% [markdown]
# Now take 64 such pictures, same cat, other noise, and average them. Noise cancels. What is the same in all stays.

# %%
many = torch.randn(64, 3, 96, 96, generator=torch.Generator().manual_seed(5))
averages = [add_noise(cat, torch.tensor(s.alpha_bar[-1]), many).mean(0) for s in ends.values()]
figures.pictures(
    averages,
    "The average of 64 pictures of static from each schedule. A: the cat was there all along. "
    "B and C: grey, with nothing in it.",
    titles=["A: linear, T = 200", "B: linear, T = 1000", "C: cosine, T = 200"],
    inches=2,
)

# %%
for name, s in ends.items():
    print(f"{name}: power left {s.alpha_bar[-1]:.1e}, the picture times {s.signal_rate[-1]:.4f}")
assert round(ends["A"].signal_rate[-1], 2) == 0.36

# %% [markdown]
# <details><summary>What happened</summary>
#
# It was A. Its last step is 36 % of the cat (√ᾱ = 0.36) under noise. The linear β were made for T = 1000; two hundred of them do not wash the picture out.
#
# Why it matters: a network trained on A learns that "pure noise" always has some picture in it. Later it starts from real static, which has none. It starts from a place it never saw in training. *Go further* shows how much it could read there.
# </details>

# %% [markdown]
# *End of the core. Short of time? Jump to "What you now know" at the end.*

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### Two steps, by hand
# Write α = 1 − β for what a step keeps. Two steps:
#
# $$x_2 = \sqrt{\alpha_2}\,\big(\sqrt{\alpha_1}\,x_0 + \sqrt{\beta_1}\,\varepsilon_1\big) + \sqrt{\beta_2}\,\varepsilon_2 = \sqrt{\alpha_1\alpha_2}\,x_0 + \sqrt{\alpha_2\beta_1}\,\varepsilon_1 + \sqrt{\beta_2}\,\varepsilon_2$$
#
# The two noises are independent, so their variances add: α₂β₁ + β₂ = α₂(1 − α₁) + 1 − α₂ = 1 − α₁α₂. And a sum of two independent normal draws is a normal draw. So the two steps are one jump with ᾱ₂ = α₁α₂. A third step finds the same situation again, and so on: that is the whole proof.
#
# With steps of different size the weight of noise s is √(ᾱ_T/ᾱ_s · β_s): what was added, times what the later steps leave. Their squares must add up to 1 − ᾱ_T:

# %%
weights = np.sqrt(linear.alpha_bar[-1] / linear.alpha_bar[1:] * linear.beta[1:])
print(f"squares of the weights {np.sum(weights**2):.6f}, 1 − ᾱ_T {1 - linear.alpha_bar[-1]:.6f}")
assert abs(np.sum(weights**2) - (1 - linear.alpha_bar[-1])) < 1e-12

# %% [markdown]
# ### Equal in distribution
# Twenty thousand copies of one pixel walk, and twenty thousand jump, each with noise of its own.

# %%
walked = torch.full((20_000,), pixel, dtype=torch.float64)
for _ in range(T):
    fresh_eps = torch.randn(20_000, generator=dice, dtype=torch.float64)
    walked = alpha**0.5 * walked + (1 - alpha) ** 0.5 * fresh_eps
start, fresh_eps = torch.full((20_000,), pixel), torch.randn(20_000, generator=dice)
jumped = add_noise(start, alpha_bar_T, fresh_eps)
for name, values in {"1000 steps": walked, "1 jump": jumped}.items():
    print(f"{name:10s}  mean {values.mean():.1f}   spread {values.std():.1f}")
assert abs(walked.mean() - jumped.mean()) < 0.03 and abs(walked.std() - jumped.std()) < 0.03

# %%
figures.outlines(
    {"1000 steps": walked, "1 jump": jumped},
    "Where the copies of one pixel end up after a thousand steps and after one jump: two "
    "outlines of one bell.",
    xlabel="value of the pixel",
    span=(-1.8, 2.6),
)

# %% [markdown]
# ### A quarter of a circle
# (√ᾱ)² + (√(1 − ᾱ))² = 1, which is Pythagoras. So the two factors lie on a circle, and a schedule says how fast to walk along it. The cosine schedule walks it at an (almost) even pace.

# %%
lesson.quarter_circle(
    cosine.signal_rate,
    cosine.noise_rate,
    moments,
    "From the picture (right) to noise (top) along a quarter of a circle; the five steps of the "
    "cosine schedule stand at nearly even distances.",
)

# %% [markdown]
# ### Fine print: "the spread stays 1"
# That is the *noise's* share of the story. The cat's own power is not 1, so the whole picture's power moves from the cat's to 1:
#
# $$\text{power of } x_t = \bar\alpha_t \cdot \text{power of } x_0 + (1-\bar\alpha_t)$$

# %%
power = float((cat.double() ** 2).mean())
for t in (0, 250, 500, 1000):
    measured = float((forward.add_noise(cosine, cat, t, eps) ** 2).mean())
    formula = cosine.alpha_bar[t] * power + 1 - cosine.alpha_bar[t]
    print(f"t = {t:4d}: formula {formula:.2f}, measured {measured:.2f}")
    assert abs(measured - formula) < 0.02

# %% [markdown]
# ### Your turn: `alpha_bar_from_beta`
# `beta` is an array of T numbers, β₁ to β_T. Return the T + 1 numbers ᾱ₀ … ᾱ_T. Useful: `np.cumprod`, `np.append`.


# %%
def alpha_bar_from_beta(beta):
    raise NotImplementedError


# %%
alpha_bar_from_beta = checks.alpha_bar_from_beta(alpha_bar_from_beta)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def alpha_bar_from_beta(beta):
#     return np.append(1.0, np.cumprod(1 - beta))
# ```
# </details>

# %%
by_hand = alpha_bar_from_beta(np.linspace(1e-4, 0.02, 1000))
print("the same as schedules.linear(1000):", np.allclose(by_hand, linear.alpha_bar))

# %% [markdown]
# ### The signal-to-noise ratio, and decibels
# How loud is the picture, measured by the noise? Divide the powers: **SNR** = ᾱ / (1 − ᾱ). It is 1 where half is left. As it runs over many powers of ten, people write it in *decibels*, 10 · log₁₀(SNR): 0 dB is equal, +10 dB ten times the noise, −10 dB a tenth.
#
# ### Your turn: `snr`


# %%
def snr(alpha_bar):
    raise NotImplementedError


# %%
snr = checks.snr(snr)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def snr(alpha_bar):
#     return alpha_bar / (1 - alpha_bar)
# ```
# </details>

# %%
inner = slice(1, 1000)
bent = schedules.Schedule((1 - np.arange(1001) / 1000) ** 2)
three = {"linear": linear, "cosine": cosine, "mine": bent}
decibels = {n: 10 * np.log10(snr(s.alpha_bar[inner])) for n, s in three.items()}
for t in (10, 250, 500, 750):
    print(
        f"t = {t:3d}:",
        ", ".join(f"{n} {round(float(d[t - 1])):+d} dB" for n, d in decibels.items()),
    )
print(f"the cat's own power: {10 * np.log10(power):+.0f} dB")

# %%
figures.lines(
    range(1, 1000),
    decibels,
    "The same three schedules in decibels. What looked flat near 0 and near 1 opens up: "
    "the schedules differ most in how fast they leave the picture and how deep they end.",
    xlabel="step t, from the picture (0) to noise (1000)",
    ylabel="signal to noise, dB",
    colors=figures.SCHEDULES,
)

# %% [markdown]
# This ratio takes a picture of power 1. The cat is quieter, by the last line above, so its own ratio lies that much lower.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### Your turn: `my_schedule`
# Invent a schedule: a function of T that returns ᾱ₀ … ᾱ_T as an array. It must
# 1. have T + 1 numbers, whatever T is;
# 2. start at exactly 1;
# 3. never rise;
# 4. stay above 0 (the very last may be 0), and end at 0.001 or less;
# 5. lose at most 0.2 in any one step.
#
# There are many right answers.


# %%
def my_schedule(T):
    raise NotImplementedError


# %%
my_schedule = checks.my_schedule(my_schedule)

# %% [markdown]
# <details><summary>One of many solutions</summary>
#
# ```python
# def my_schedule(T):
#     return (1 - np.arange(T + 1) / T) ** 2
# ```
# </details>

# %%
own = schedules.Schedule(my_schedule(1000))
own_curves = {"linear": linear.alpha_bar, "cosine": cosine.alpha_bar, "mine": own.alpha_bar}
figures.lines(
    range(1001),
    own_curves,
    "The share of power left on the linear, the cosine and your own schedule.",
    xlabel="step t, from the picture (0) to noise (1000)",
    ylabel="share of power left, ᾱ",
    colors=figures.SCHEDULES,
)

# %% [markdown]
# At which t does your own cat vanish? Is there a stretch where nothing seems to happen?

# %% tags=["nbval-ignore-output"]
interactive.noise_explorer(
    cat,
    {"mine": own, "linear": linear, "cosine": cosine},
    "The cat at three steps of your own schedule, t = 100, 350 and 900: from near the picture to "
    "near noise.",
)

# %% [markdown]
# ### How short may a linear schedule be?
# Its β always run from 0.0001 to 0.02, however many there are. How much of the picture's amplitude is left at the end?

# %%
lengths = (50, 100, 200, 300, 400, 500, 700, 1000)
kept = [schedules.linear(n).signal_rate[-1] for n in lengths]
print("   ".join(f"T = {n}: {k:.1%}" for n, k in zip(lengths, kept, strict=True)))

# %% [markdown]
# ### What can be read off the last step?
# **Predict.** Take 500 drawn pictures, some of a bright beach, some of the night, to the last step of schedule A (linear, T = 200). Now look at one number of each: the average of all its values. Can you guess from it how bright the clean picture was? The noise averages out over 3,072 values, so listen closely.

# %%
clean = critters.mean((1, 2, 3)).numpy()
draws, fresh = torch.randn((2, *critters.shape), generator=torch.Generator().manual_seed(6))
brightness = {}
for name, s in {"C: cosine, T = 200": ends["C"], "A: linear, T = 200": ends["A"]}.items():
    x_T = forward.add_noise(s, critters, s.T, draws)
    brightness[name] = x_T.mean((1, 2, 3)).numpy()
brightness["fresh noise"] = fresh.mean((1, 2, 3)).numpy()
for name, values in brightness.items():
    r = np.corrcoef(values, clean)[0, 1]
    print(
        f"{name:18s}  spread {values.std():.2f}   correlation with the clean picture {abs(r):.1f}"
    )
read_off = np.corrcoef(brightness["A: linear, T = 200"], clean)[0, 1]
print(f"A in full: {read_off:.2f}")
assert read_off > 0.95 and brightness["A: linear, T = 200"].std() > 0.09

# %%
figures.outlines(
    brightness,
    "The average value of 500 last steps. C lies on fresh noise, in a narrow peak at 0. A is "
    "several times as wide: the brightness of the clean pictures shows through.",
    xlabel="average value of the picture of static",
    span=(-0.35, 0.35),
    colors={"fresh noise": figures.NOISE},
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# From static in which there is next to nothing to see, one average tells the brightness of the clean picture almost exactly. A network can learn to read it there. Later it is given real static, whose average is always near 0: that says "middling brightness", every time. So expect few nights and little snow. Lesson 06 measures this on generated pictures.
# </details>
#
# ### Too little left is a nuisance, too
# Solve the jump for the clean picture, with a prediction ε̂ ("epsilon-hat") in place of the noise:
#
# $$\hat x_0 = \frac{x_t - \sqrt{1-\bar\alpha_t}\;\hat\varepsilon}{\sqrt{\bar\alpha_t}}$$
#
# A prediction that is wrong by 0.01 makes x̂₀ wrong by 0.01 · √(1 − ᾱ)/√ᾱ.
#
# **Predict.** How wrong is the picture at the last step, on the scale where black is −1 and white is 1?

# %%
for name, s in {"linear, T = 200": ends["A"], "linear": linear, "cosine": cosine}.items():
    print(f"{name:15s}  error of the picture at the last step: {0.01 * s.sigma[-1]:.4g}")
assert round(0.01 * cosine.sigma[-1]) == 203 and round(0.01 * linear.sigma[-1], 1) == 1.6

# %% [markdown]
# <details><summary>What happened</summary>
#
# 203 on the cosine schedule, where 2 is the whole way from black to white. The less picture is left, the less noise prediction can say about it. So we want nothing left at the end, and then predicting the noise is hopeless there. Lesson 04 meets this explosion and cures it: the network predicts something else.
# </details>

# %% [markdown]
# ## What you now know

# %%
checks.mine()

# %% [markdown]
# **Three sentences.** The picture must shrink by √(1 − β) at each step, or the noise makes the numbers grow without limit. All steps to t together are one jump, √ᾱ of the picture and √(1 − ᾱ) of noise, so training never walks. A schedule is the list of ᾱ from 1 to about 0, and if it stops early, the "noise" at its end still holds the picture.
#
# **Try this.** Put `datasets.photo("rocket", size=96)` in place of the cat in the first cell and run all. Does it vanish at the same t?
#
# **Where it lives now.** Schedules are in `diffusion_lessons.schedules` (`linear`, `cosine`, and your own with `Schedule(...)`), the jump is `diffusion_lessons.forward.add_noise(schedule, x0, t, eps)`.
#
# **What we hid.** "Power" here means mean squared value on the scale from −1 to 1, with grey as 0. Signal-to-noise was written for a picture of power 1. And nothing forces whole steps: ᾱ can be a smooth curve in time, and newer methods treat it so.
