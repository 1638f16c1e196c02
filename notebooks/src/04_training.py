# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 · What does training look like?
#
# In this lesson you train a network that makes pictures, and watch it learn, from static to an orange cat on the beach. It takes about a minute.
#
# At the end you can
# - say what one training example is, and what the network is asked;
# - read a training loop of ten lines, and write what it aims at;
# - judge a network by more than its loss, and save your own.
#
# **25 minutes for the core**; *Prove it* and *Go further* are folded below it.

# %%
import numpy as np
import torch
from IPython.display import display
from tqdm.auto import tqdm

from diffusion_lessons import checkpoints, forward, sampling, schedules
from diffusion_lessons.course import figures, grading, live
from diffusion_lessons.course import lesson_04 as lesson
from diffusion_lessons.critters import datasets, world

schedule = schedules.cosine(1000)

# %% [markdown]
# Here is where we are going: eight wishes, drawn by a larger network, trained longer with this lesson's recipe. (How the static in `noise` becomes a picture is lesson 05.)

# %%
from diffusion_lessons.critters.words import named, spell_out, word_ids

PROMPTS = [
    "an orange cat on the beach",
    "a green frog in the mountains",
    "a white rabbit at night",
    "a blue car in a futuristic city",
    "a brown bear on a skateboard",
    "a black dog wearing sunglasses",
    "an orange fox with a top hat",
    "a gray cat with a party hat",
]
dice = np.random.default_rng(0)  # they choose what a prompt leaves open
words = torch.tensor([spell_out(word_ids(named(prompt)), dice) for prompt in PROMPTS])
noise = torch.randn(len(PROMPTS), 3, 32, 32, generator=torch.Generator().manual_seed(1))


# %%
def drawn_by(model, words, noise):
    guided = sampling.guided(model, words, None, 2.0)
    *_, last = sampling.sample(guided, schedule, noise, 16, step=sampling.dpm_solver_2m())
    return last.x_t


figures.captioned(
    drawn_by(checkpoints.load(), words, noise),
    PROMPTS,
    "Eight pictures that no one drew: a trained network made each out of static, from the words "
    "below it.",
)

# %% [markdown]
# ## The core: 25 minutes
#
# ### 1 · A student who fails in the right way
#
# A student with a perfect memory could only copy. We want one who *can't* learn the pictures by heart and has to make do with what they have in common: fur, ears, skies. So we show it 20,000 little pictures, each about three times, always under other noise. These *critters* are drawn by a program. (They are drawn now if you are here for the first time.)

# %% tags=["nbval-ignore-output"]
drawn = datasets.load_critters(20_000)
figures.captioned(
    drawn.x0[:8],
    drawn.captions[:8],
    "Eight of the 20,000 pictures to learn from, with their captions. A caption need not tell "
    "everything: what it leaves out is left free.",
)

# %% [markdown]
# ### 2 · One example, one question
#
# You may have heard that a picture is made noisier step by step, and that the network learns from every step. It doesn't walk. One training example is **one picture, one random level t, and fresh noise**, mixed in a single jump (lesson 02):
#
# $$x_t = \sqrt{\bar\alpha_t}\; x_0 + \sqrt{1-\bar\alpha_t}\; \varepsilon$$
#
# ᾱ ("alpha-bar") is the share of the picture's power that is left. The network sees $x_t$. What should it answer? "The noise" is the usual choice. Ours is the **velocity** v, a mixture of noise and picture:
#
# $$v = \sqrt{\bar\alpha_t}\; \varepsilon - \sqrt{1-\bar\alpha_t}\; x_0$$
#
# One pixel of 0.5, under noise of 1.2:
#
# | share left ᾱ | it sees $x_t$ | it should answer v |
# |---|---|---|
# | 1, no noise | 0.5 | 1.2, the noise |
# | 0.64 | 0.8 · 0.5 + 0.6 · 1.2 = 1.12 | 0.8 · 1.2 − 0.6 · 0.5 = 0.66 |
# | 0, only noise | 1.2 | −0.5, the picture, negative |
#
# So it is always asked for what it can't see. And who knows $x_t$ and v knows the picture: 0.8 · 1.12 − 0.6 · 0.66 = 0.5.
#
# ### Your turn: `velocity`
# `alpha_bar_t` is a tensor; `** 0.5` takes its square root.


# %%
def velocity(x0, alpha_bar_t, eps):
    raise NotImplementedError


# %%
velocity = lesson.velocity.check(velocity)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: velocity}
# ```
# </details>

# %%
alpha_bar = torch.tensor(schedule.alpha_bar, dtype=torch.float32)
x0, eps, t = drawn.x0[1:2], noise[:1], 400
figures.pictures(
    [x0, eps, forward.add_noise(schedule, x0, t, eps), velocity(x0, alpha_bar[t], eps)],
    "One training example at level t = 400 of 1000. The network sees the third picture and should "
    "answer the fourth, in which the critter is negative.",
    titles=["picture x₀", "noise ε", "it sees x_t", "it should answer v"],
)

# %% [markdown]
# ### 3 · Ten lines
#
# A network is one long formula, from x_t and t to an answer. In it stand many thousands of numbers, its **weights**, random at first. To train it is to turn them until the answers are good.
#
# How wrong is an answer? Take the difference to v at every pixel, square it, and average. That one number is the **loss**:
#
# $$L = \text{mean}\,\bigl(\text{model}(x_t, t) - v\bigr)^2$$
#
# `backward` finds out for each weight which way makes the loss smaller; `step` moves all weights a little that way (how far exactly is the *optimiser*'s business); `zero_grad` wipes the slate for the next round. We ask 64 questions at a time, a **batch**. There is nothing else.
#
# **Predict.** An untrained network of ours answers 0 everywhere. Is its loss about 0, about 0.65, or about 30?

# %%
from diffusion_lessons.train import draw_t, make_ema, train
from diffusion_lessons.unet import UNet

dice = torch.Generator().manual_seed(0)
student = UNet(widths=(16, 32))
optimiser = torch.optim.AdamW(student.parameters(), lr=3e-3)


def teach(batch=64):
    x0 = drawn.x0[torch.randint(len(drawn.x0), (batch,), generator=dice)]
    t = draw_t(schedule, batch, dice)  # a level for each picture, from 1 to T
    eps = torch.randn(x0.shape, generator=dice)
    x_t = forward.add_noise(schedule, x0, t, eps)
    v = velocity(x0, alpha_bar[t].reshape(-1, 1, 1, 1), eps)
    loss = (student(x_t, t) - v).square().mean()
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()
    return loss.item()


# %% tags=["nbval-ignore-output"]
losses = [teach() for _ in range(50)]
first, later = losses[0], sum(losses[-10:]) / 10
print(f"loss of the first batch {first:.2f}, of the last ten {later:.2f}")
assert 0.6 < first < 0.7 and later < 0.75 * first

# %% [markdown]
# <details><summary>What happened</summary>
#
# About 0.65: whoever answers 0 is wrong by v itself, so the first loss is the mean square of v, something between that of noise, 1, and that of our pictures. And fifty rounds of ten lines have brought it down by more than a quarter.
# </details>
#
# ### 4 · The real run
#
# `train` is that loop with five things more.
# - **Words.** The vocabulary has 27 words (four of them say that there is nobody, no hat and so on), and each gets a list of numbers, a *vector*. Those of all words that are true of a picture are added up and told to the network, together with t. For one picture in ten they are hidden: lesson 07 says why.
# - **Shapes first.** The weights follow two errors: that of each pixel, and that of the average of each 2 × 2 pixels. Where a shape is wrong, four neighbours err together. Where it is only grainy, their errors cancel. The second counts less and less, and nothing at the end. (The loss that you see is the plain one, of pixels.)
# - **A faster optimiser** (Muon for the big weights), and steps that shrink to nothing at the end.
# - **An average.** Weights tremble from batch to batch, so we draw with their running average (`ema`).
# - **Safety.** Press ■ (stop) whenever you like: what has been learned stays, and the next cells use it. (The `assert` lines hold what we say against *your* network: one that stopped early may fail them.)

# %%
from diffusion_lessons.unet import count_weights

PICTURES, WIDTHS = 57_344, (32, 64, 128)

torch.manual_seed(0)  # a network starts from random weights
model = UNet(widths=WIDTHS, vocabulary=len(world.VOCABULARY))
ema = make_ema(model)
print(f"{count_weights(model):,} weights to learn")
print(f"each picture will be seen about {PICTURES / len(drawn.x0):.0f} times")

# %% [markdown]
# **Predict.** Seven times on the way we let it draw the eight wishes, from the same static. What will be right first: colours, outlines or faces? After which part of the training?

# %% tags=["nbval-ignore-output"]
import copy

moments = [PICTURES // 2**k for k in (6, 5, 4, 3, 2, 1, 0)]
losses, drawn_at, half_way = [], set(), (model, ema)
monitor = live.Monitor(
    PICTURES,
    "A training, as far as it got. Above, the loss; each dotted line is a moment at which it drew. "
    "Below, what it drew then, from the same static each time: first static, then patches of "
    "colour, then critters.",
    titles=[prompt.split()[2] for prompt in PROMPTS],
)
display(monitor)
records = train(model, (drawn.x0, drawn.cond), schedule, samples=PICTURES, ema=ema)
for record in monitor.watch(records):
    losses.append(record.loss)
    if record.samples_seen >= moments[len(drawn_at)]:
        monitor.preview(record.samples_seen, drawn_by(ema, words, noise))
        drawn_at.add(record.samples_seen)
        if len(drawn_at) == 6:
            half_way = copy.deepcopy((model, ema))

# %% [markdown]
# <details><summary>What happened</summary>
#
# Patches of colour come first, in the right places: sky, sand, night. Then a shape in the middle that grows ears. Hats and faces come last, and go on getting better to the end. Broad things are easy, because they show through a lot of noise and all pictures share them. Your figure may differ in detail from ours: training depends on the machine down to its last digit.
# </details>
#
# And the loss?

# %% tags=["nbval-ignore-output"]
batches, window = torch.tensor(losses), min(20, len(losses))
smooth = batches.unfold(0, window, 1).mean(1)
figures.lines(
    range(window, len(losses) + 1),
    {"one batch": batches[window - 1 :], f"mean of the last {window}": smooth},
    "The loss falls steeply in the first fifth of the training and slowly after that, while the "
    "pictures above become good only then. (The mean looks back, so it comes down late.)",
    xlabel="batches seen",
    ylabel="loss",
    colors={"one batch": figures.OTHERS[2], "mean of the last 20": figures.OTHERS[3]},
)

# %% tags=["nbval-ignore-output"]
quarter, end = smooth[len(smooth) // 4].item(), smooth[-1].item()
print(f"loss after a quarter of the training {quarter:.2f}, at the end {end:.2f}")
fifth = smooth[len(smooth) // 5].item()
assert quarter < 0.3 and end < 0.2 and smooth[0] - fifth > 2 * (fifth - end)

# %% [markdown]
# On new pictures the loss never comes near 0, however long you train: nobody can tell the noise from a picture's finest detail exactly, or see a picture under pure static. So a low loss is no proof of good pictures. Look at them. And have them judged: a second network, made only to *recognise* critters, says in how many of a hundred new pictures *every* word came true: who, which colour, sunglasses or none, hat or none, skateboard or none, and where.

# %% tags=["nbval-ignore-output"]
from diffusion_lessons import metrics
from diffusion_lessons.critters.judge import load_judge, prompt_accuracy

asked = datasets.load_critters(100, seed=1).cond
static = torch.randn(100, 3, 32, 32, generator=torch.Generator().manual_seed(2))
share = prompt_accuracy(drawn_by(ema, asked, static), asked, load_judge())
print(f"all words right in {share:.0%} of a hundred pictures")
assert share > 0.5

# %%
checkpoints.save(ema, "../data/my-model.safetensors", recipe={"pictures": PICTURES})
figures.captioned(
    drawn_by(ema, words, noise),
    PROMPTS,
    "Your network's answers to the eight wishes: rougher than those at the top, but animals, "
    "colours and places can be told.",
)

# %% [markdown]
# ### 5 · Through its eyes
#
# The picture that an answer implies is $\hat x_0 = \sqrt{\bar\alpha_t}\,x_t - \sqrt{1-\bar\alpha_t}\,\hat v$. Here are five new pictures under noise, and what your network makes of them, told all that is true of them.

# %%
new = datasets.load_critters(200, seed=1)


def seen_and_guessed(t):
    eps = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    x_t = forward.add_noise(schedule, new.x0[:5], t, eps)
    with torch.no_grad():
        answer = ema(x_t, torch.tensor([t]), new.cond[:5])
    x0_hat = forward.prediction(schedule, x_t, t, answer, "v").x0_hat
    return [*new.x0[:5], *x_t, *x0_hat]


figures.pictures(
    seen_and_guessed(600),
    "Level 600 of 1000. Top: new pictures (the third shows nobody). Middle: what the network "
    "sees. Bottom: its guess, blurred where it can't know.",
    columns=5,
    labels=["x₀", "x_t", "x̂₀"],
    inches=1.2,
)

# %% [markdown]
# **Move the slider.** Up to which level does the network still see the critter in front of it? And what are its guesses at 1000 made of, where there is only noise?

# %% tags=["nbval-ignore-output"]
live.Explorer(
    lambda t: live.View(seen_and_guessed(t), f"Level {t} of 1000. Bottom: its guess."),
    "The same at level 800. In JupyterLab a slider stands above, for every other level.",
    controls={"level t": [1, *range(20, 1001, 20)]},
    start=[800],
    columns=5,
    labels=["x₀", "x_t", "x̂₀"],
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Up to about 800. Above 900 the critters dissolve, and at 1000 each guess is made of its words alone: the average of all pictures that the words allow.
# </details>
#
# *End of the core. Short of time? Jump to "What you now know" at the end.*

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### Has it learned by heart?
#
# **Predict.** We measure its loss, level by level, on 200 pictures that it was trained on and on 200 new ones. By how much is it better on those it knows? And at which levels is the question hard: with little noise, with much, or in between?


# %%
def loss_at(t, model, pictures, told=None):
    eps = torch.randn(pictures.x0.shape, generator=torch.Generator().manual_seed(t))
    x_t = forward.add_noise(schedule, pictures.x0, t, eps)
    with torch.no_grad():
        answer = model(x_t, torch.tensor([told or t]), pictures.cond)
    return (answer - forward.velocity(schedule, pictures.x0, t, eps)).square().mean().item()


# %% tags=["nbval-ignore-output"]
known = datasets.Critters(*[part[:200] for part in drawn])
levels = [1, 50, 125, 250, 375, 500, 625, 750, 875, 1000]
on_known, on_new = ([loss_at(t, ema, pictures) for t in levels] for pictures in (known, new))
figures.lines(
    levels,
    {"pictures it was trained on": on_known, "new pictures": on_new},
    "The loss at each level, from data (t = 0) to noise (t = 1000). The two curves lie on each "
    "other: no trace of memory. Both are very high near data, lowest from about 600 to 750, and "
    "a little higher again at noise.",
    xlabel="level t, from data (0) to noise (1000)",
    ylabel="loss",
    colors={"pictures it was trained on": figures.OTHERS[3], "new pictures": figures.OTHERS[1]},
)

# %% tags=["nbval-ignore-output"]
apart = max(abs(a / b - 1) for a, b in zip(on_known, on_new, strict=True))
print(f"the two are nowhere more than {apart:.0%} apart")
print(f"loss on new pictures at t = 1: {on_new[0]:.2f}, lowest: {min(on_new):.2f}")
assert apart < 0.1 and 0.95 < on_new[0] < 1.6 and on_new[0] > 5 * min(on_new)

# %% [markdown]
# <details><summary>What happened</summary>
#
# They are the same, within the luck of which pictures we took. Having seen each picture about three times, the network is no better on those it knows. That is the right way to fail.
#
# Both ends are harder than the middle, the one near data by far, and for different reasons. At t = 1 it should find noise that is all but invisible. To answer 0 would cost 1, the noise's variance, and the network does no better, or even worse. But that hardly matters: the picture is nearly clean anyway. At t = 1000 it sees only noise, and should guess a picture from its caption.
# </details>
#
# ### Does it need t at all?
#
# t enters as waves: 32 sines and 32 cosines of different lengths, so that near levels sound alike and distant ones don't.

# %%
from diffusion_lessons.unet import time_features

waves = time_features(torch.arange(1001), 64)
figures.pictures(
    [waves.T[None, 8:32, ::20]],
    "What the network is told: 24 of the 64 waves, one in each row (white 1, black −1), from data "
    "(left, t = 0) to noise (right, t = 1000). Fast waves at the top tell near levels apart, slower "
    "ones below them distant levels; the slowest hardly change.",
    inches=6,
)

# %% [markdown]
# But how noisy a picture is can be seen from the picture. So let's train two small networks on the same pictures in the same order, one of which is never told t. A third, for the next section, is asked for the noise ε instead of v.
#
# **Predict.** How much worse is the network that isn't told? And if we *lie* to the one that is?

# %% tags=["nbval-ignore-output"]
makes = {"told t": {}, "never told t": {"uses_time": False}, "predicts ε": {"target": "eps"}}
small = {}
for name, make in makes.items():
    torch.manual_seed(0)
    raw = UNet(widths=(16, 32, 64), vocabulary=len(world.VOCABULARY), **make)
    small[name] = make_ema(raw)
    records = train(raw, (drawn.x0, drawn.cond), schedule, samples=6400, ema=small[name])
    for _ in tqdm(records, total=100, desc=name, leave=False):
        pass

# %% tags=["nbval-ignore-output"]
told = [loss_at(t, small["told t"], new) for t in levels]
never = [loss_at(t, small["never told t"], new) for t in levels]
lied = [loss_at(t, small["told t"], new, told=500) for t in levels]
figures.lines(
    levels,
    {"told t": told, "never told t": never, "told, then lied to": lied},
    "The loss at each level on new pictures. The network that was never told t is hardly worse "
    "than the one that was. The one that was told, and now hears 500 all the time, is much worse "
    "under much noise (right), and a little worse where there is little.",
    xlabel="level t, from data (0) to noise (1000)",
    ylabel="loss",
    colors={
        "told t": figures.OTHERS[3],
        "never told t": figures.OTHERS[1],
        "told, then lied to": figures.OTHERS[0],
    },
)

# %% tags=["nbval-ignore-output"]
extra, misled = sum(never) / sum(told) - 1, sum(lied) / sum(told) - 1
print(f"never told t: {extra:+.0%} loss on average; lied to: {misled:+.0%}")
print(f"lied to, at t = 1000: {lied[-1] / told[-1]:.1f} times the loss")
assert -0.05 < extra < 0.06 < misled and lied[-1] > 1.6 * told[-1] and lied[0] > 1.02 * told[0]

# %% [markdown]
# <details><summary>What happened</summary>
#
# Hardly! The noise can be seen, so t tells the network little that it couldn't work out. (By its loss, and after only a hundred batches, that is. Sun and others, 2025, found that most of the larger networks they tried still draw well without it.) But a network that has learned to trust t is led astray by a lie. Most so under pure noise, where its loss is about twice as high.
# </details>
#
# ### Break it: lie about t
# Now lie to your *big* network while it draws: whatever the level, it hears 500.
#
# **Predict.** Nothing but noise? Or critters all the same?


# %%
class Liar:
    target = "v"

    def __call__(self, x_t, t, cond=None):
        return ema(x_t, torch.full_like(t, 500), cond)


honest, misled = drawn_by(ema, words, noise), drawn_by(Liar(), words, noise)
figures.pictures(
    [*honest, *misled],
    "The eight wishes from the same static. Top: told the true level. Bottom: always told 500. The "
    "critters are still there, under a layer of coloured grain.",
    columns=len(PROMPTS),
    labels=["told t", "told 500"],
    inches=0.9,
)

# %% tags=["nbval-ignore-output"]
grain = metrics.high_frequency_power(misled, honest)
print(f"power of the finest detail, misled against honest: {grain:.1f} times")
assert grain > 1.3

# %% [markdown]
# <details><summary>What happened</summary>
#
# Critters all the same, but grainy. Below level 500 it answers as if for 500, with too little noise in v and too much picture, so that not all of the noise is ever taken off. Drawing forgives much, because every step looks at the picture afresh.
# </details>
#
# ### Why not simply predict the noise?
#
# Most courses do. Then the picture is what is left when the noise is taken off:
#
# $$\hat x_0 = \frac{x_t - \sqrt{1-\bar\alpha_t}\;\hat\varepsilon}{\sqrt{\bar\alpha_t}}$$
#
# **Predict.** Let each kind of answer be wrong by 0.01 at every pixel. How wrong is the picture at the last level?

# %%
slip, rows = 0.01, {"wrong ε̂": [], "wrong v̂": []}
x0, eps = drawn.x0[:1], noise[:1]
for t in range(1, 1001):
    x_t = forward.add_noise(schedule, x0, t, eps)
    v = forward.velocity(schedule, x0, t, eps)
    for row, answer, target in zip(rows.values(), (eps, v), ("eps", "v"), strict=True):
        x0_hat = forward.prediction(schedule, x_t, t, answer + slip, target).x0_hat
        row.append((x0_hat - x0).abs().mean().item())
for name, row in rows.items():
    print(f"{name} by 0.01: picture wrong by {row[499]:.2f} at t = 500, {row[-1]:.3g} at t = 1000")
assert round(rows["wrong ε̂"][-1]) == 203 and round(rows["wrong v̂"][-1], 3) == 0.01

# %%
figures.lines(
    range(1, 1001),
    rows,
    "What an error of 0.01 in the answer does to the picture, on a logarithmic scale. With noise "
    "prediction it shoots up to 203 at the noise end (t = 1000); with velocity it never passes 0.01.",
    xlabel="level t, from data (0) to noise (1000)",
    ylabel="error of the picture",
    yscale="log",
    colors={"wrong ε̂": figures.NOISE, "wrong v̂": figures.PREDICTION},
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# 203, where 2 is the whole way from black to white: at the last level of this schedule hardly any picture is left, and the formula divides by that little, √ᾱ. The velocity formula never divides.
# </details>
#
# That was arithmetic. What do the two small networks do, really, when they see nothing but noise?

# %% tags=["nbval-ignore-output"]
x_T = forward.add_noise(schedule, new.x0, 1000, torch.randn(new.x0.shape, generator=dice))
typical = {}
for name in ("told t", "predicts ε"):
    with torch.no_grad():
        answer = small[name](x_T, torch.tensor([1000]), new.cond)
    said = forward.prediction(schedule, x_T, 1000, answer, small[name].target)
    typical[name] = (said.x0_hat - new.x0).square().mean().sqrt().item()
    print(f"{name}: picture typically wrong by {typical[name]:.2g}")
assert typical["told t"] < 1 < 100 < typical["predicts ε"] < schedule.sigma[-1]

# %% [markdown]
# To answer 0 would be wrong by 1 in ε, and the network that predicts noise does better than that. But whatever is still wrong is blown up twenty thousand times, in the very first step of drawing. And if nothing at all is left, ᾱ = 0, as it should be at the end? Then noise prediction says nothing, and our code refuses; velocity still works.

# %%
to_zero = schedules.Schedule([*schedule.alpha_bar[:-1], 0.0])
try:
    forward.prediction(to_zero, eps, 1000, eps, "eps")
except ValueError as error:
    print(error)
v = forward.velocity(to_zero, x0, 1000, eps)
found = forward.prediction(to_zero, eps, 1000, v, "v").x0_hat
print("with velocity:", "the exact picture" if torch.equal(found, x0) else "another picture")
assert torch.equal(found, x0)

# %% [markdown]
# ### What is the average good for?
#
# `ema` is an *exponential moving average*: after every batch it keeps a share of itself and takes the rest from the newest weights,
#
# $$\text{mean} \leftarrow \text{keep}\cdot\text{mean} + (1-\text{keep})\cdot\text{weight}$$
#
# With keep = 0.9, a mean of 10 and a weight of 20: 9 + 2 = 11.
#
# ### Exercise: `ema_update`
# Return the new mean, and leave the old one as it is.


# %%
def ema_update(mean, weight, keep):
    raise NotImplementedError


# %%
ema_update = lesson.ema_update.check(ema_update)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: ema_update}
# ```
# </details>
#
# **Predict.** We kept both sets of weights from half-way, when the steps were still large, and have both from the end, when the steps had shrunk to 0. When does averaging help?

# %% tags=["nbval-ignore-output"]
pairs = {"half-way": half_way, "at the end": (model, ema)}
gain = {}
for when, pair in pairs.items():
    newest, average = (sum(loss_at(t, net, new) for t in levels[3:]) for net in pair)
    gain[when] = 1 - average / newest
    print(f"{when}: averaging changes the loss from t = 250 on by {-gain[when]:+.1%}")
assert 0.005 < gain["half-way"] < 0.2 and abs(gain["at the end"]) < 0.04

# %%
figures.pictures(
    [picture for pair in pairs.values() for m in pair for picture in drawn_by(m, words, noise)],
    "The eight wishes from the same static with the newest and with the averaged weights. Half-way "
    "the average is a little calmer; at the end the two are nearly alike.",
    columns=len(PROMPTS),
    labels=["half-way, newest", "half-way, average", "end, newest", "end, average"],
    inches=0.7,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# A little, half-way: the loss falls by a few per cent, and the pictures look a little calmer. While steps are large, the newest weights jump about a good place, and their average lies nearer to it. When the steps shrink, the weights settle by themselves, and the average has little to add. Averaging and shrinking steps are two cures for one illness. We use both, so that you can stop at any moment and have something to show.
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### Stop, and go on tomorrow
#
# With `checkpoint=` the run is written to a file every 20 seconds and when you stop: weights, average, what the optimisers remember, and the state of the dice. `resume=` goes on from there.
#
# **Predict.** A run of twelve batches is stopped after five, and resumed by a network that has never seen anything. How close will it come to a run that was never stopped?


# %%
from pathlib import Path


def tiny_run(stop_after=None, **files):
    torch.manual_seed(1)
    net = UNet(widths=(8, 16))
    for record in train(net, drawn.x0[:64], schedule, samples=192, batch=16, **files):
        if record.step == stop_after:
            break
    return net


never_stopped = tiny_run()
run = "../data/lesson-04.run.safetensors"
tiny_run(stop_after=5, checkpoint=run)
resumed = tiny_run(resume=run)
Path(run).unlink()
weights = zip(never_stopped.parameters(), resumed.parameters(), strict=True)
same = [torch.equal(a, b) for a, b in weights]
print(f"{sum(same)} of {len(same)} sets of weights are equal, bit for bit")
assert all(same)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Equal to the last bit. (On one machine, with the same number of threads: another machine adds numbers up in another order, and rounds otherwise.)
# </details>
#
# So you can train for longer. This takes twenty minutes. Where the run above took one, it shows the network some twenty times the pictures, for far less grain:
#
# ```python
# pictures = pace.pictures_in(20, model, (drawn.x0, drawn.cond), schedule)  # 20 minutes
# records = train(model, (drawn.x0, drawn.cond), schedule, samples=pictures, ema=ema,
#                          checkpoint="../data/mine.run.safetensors")
# for record in records:
#     print(f"{record.loss:.2f}, {record.seconds_left / 60:.0f} minutes left ", end="\r")
# checkpoints.save(ema, "../data/my-long-model.safetensors", recipe={"pictures": pictures})
# ```
# The speed is measured once and turned into a number of pictures, so that the result doesn't depend on what else the machine is doing.
#
# ### Exercise: draw the levels
#
# The course's `draw_t` draws three levels in four near the middle, where most is learned, and the rest evenly, but for a few at T, where every film begins. Write the simple version: n whole numbers from 1 to T, all equally likely, with the dice of `generator`. T itself must come up: drawing starts there, and a well-known course never trains it.


# %%
def draw_t(T, n, generator):
    raise NotImplementedError


# %%
draw_t = lesson.draw_t.check(draw_t)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: draw_t}
# ```
# `randint` leaves its upper end out.
# </details>

# %%
from diffusion_lessons.train import draw_t as courses_draw_t

even, ours = draw_t(1000, 100_000, dice), courses_draw_t(schedule, 100_000, dice)
figures.outlines(
    {"even": even, "ours": ours},
    "How often each level is drawn. Even: all alike. Ours: most in the middle, few towards the "
    "ends, and a spike at T, where every film begins.",
    xlabel="level t, from data (0) to noise (1000)",
    span=(0, 1000),
    colors={"even": figures.OTHERS[3], "ours": figures.OTHERS[0]},
)

# %%
for name, levels_drawn in {"even": even, "ours": ours}.items():
    last = 100 * (levels_drawn > 900).float().mean()
    print(f"{name}: {last:.0f} % of the levels are above 900, largest {levels_drawn.max()}")
assert even.max() == ours.max() == 1000

# %% [markdown]
# ### The box, opened
#
# The network is a **U-Net**: down to small pictures that say *what* is where, and up again, with *bridges* that carry fine detail across.

# %%
parts = {ema.conv_in: "conv_in", ema.attention: "attention", ema.conv_out: "conv_out"}
for i in range(len(WIDTHS)):
    parts |= {ema.down_blocks[i]: f"block {i} down", ema.up_blocks[i]: f"block {i} up"}


def note(part, _, out):
    _, channels, height, width = out.shape
    weights = count_weights(part)
    print(f"{parts[part]:13} {channels:4} channels of {height:2} × {width:2} {weights:9,} weights")


hooks = [part.register_forward_hook(note) for part in parts]
with torch.no_grad():
    ema(noise[:1], torch.tensor([500]))
for hook in hooks:
    hook.remove()

# %% [markdown]
# - **Folding.** 3 colours of 32 × 32 become 12 channels of 16 × 16 before `enter`: each 2 × 2 square becomes one place. That makes everything after it four times cheaper.
# - **Blocks.** Twice: bring to a common scale, bend, look at 3 × 3 neighbours. t and the words enter here, by scaling and shifting the channels.
# - **Attention.** At 4 × 4 every place looks at every other, so that the left ear knows of the right one.
# - **Starting at zero.** Each block's last layer starts at 0, and so does the network's: at first a block changes hardly anything, and the answer is 0. That is why the first loss was the mean square of v.
#
# **Predict.** Cut the way through the small pictures, so that only the top floor works. Where does it hurt more, at level 125 or at 750?

# %% tags=["nbval-ignore-output"]
shallow = copy.deepcopy(ema)
with torch.no_grad():
    shallow.up[0].weight.zero_()
    shallow.up[0].bias.zero_()
worse = {t: loss_at(t, shallow, new) / loss_at(t, ema, new) for t in (125, 750)}
for t, factor in worse.items():
    print(f"t = {t}: loss {factor:.1f} times as high")
assert worse[125] > 1.2 and worse[750] > 1.1 * worse[125]

# %% [markdown]
# <details><summary>What happened</summary>
#
# It hurts at both. With little noise, neighbours tell most of what a pixel was, and the top floor can see them. Under much noise an overview counts for more, and that is found where the pictures are small.
# </details>

# %% [markdown]
# ## What you now know

# %%
grading.summary()

# %% [markdown]
# **Three sentences.** A training example is one picture at one random level of noise, and the network answers what it can't see. The loss falls fast and never to 0, and pictures go on getting better long after it has stopped falling fast: look at them. A student who sees each picture only three times learns what pictures have in common, and does equally well on new ones.
#
# **Try this.** Put `datasets.load_critters(200)` in place of `datasets.load_critters(20_000)`, and another name in place of `my-model`, or yours is overwritten; then run all from the start. Is the curve for new pictures still the same as that for known ones? (If not, the `assert` below it stops the run.)
#
# **Where it lives now.** `train`, `make_ema` and `draw_t` in `diffusion_lessons/train.py`; the U-Net in `diffusion_lessons/unet.py`; `forward.velocity`. Your network is in `data/my-model.safetensors`: `checkpoints.load("../data/my-model.safetensors")`.
#
# **What we hid.** Muon, the optimiser, is a story of its own (Jordan and others, 2024). Multiplications run in half precision where your processor is quick at that. All pictures were drawn with their words turned up to 2, which lesson 07 explains. And a minute is little: the network at the top is larger, and had far longer.
