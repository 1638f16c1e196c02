# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 · Why start with noise?
#
# Twelve pictures of static, no words, and out come twelve different pictures. Nobody chose them, and the network is the same each time. So where does the picture come from?
#
# At the end you can
# - say what happens from a white page, a black one, a photo, and why it depends on the sampler;
# - work out how much of the start is left along the way;
# - blend two starts without losing detail on the way;
# - say what in a picture is settled first, and what last.
#
# **25 minutes for the core**; *Prove it* and *Go further* are folded below it.

# %%
import numpy as np
import torch

from diffusion_lessons import checkpoints, metrics, sampling, schedules
from diffusion_lessons.course import figures, grading
from diffusion_lessons.course import lesson_06 as lesson
from diffusion_lessons.critters import datasets, world
from diffusion_lessons.critters.judge import classify, load_judge, prompt_accuracy

schedule, network, judge = schedules.cosine(1000), checkpoints.load(), load_judge()


# %%
def picture_from(x_T, words=None, dice=None, n=100):
    """Pictures from any start: a deterministic walk, or with ``dice`` a random one of n steps."""
    if dice is None:
        step, generator, n = sampling.dpm_solver_2m(), None, 16
    else:
        step, generator = sampling.ddpm_step, torch.Generator().manual_seed(dice)
    film = sampling.sample(network, schedule, x_T, n, step=step, cond=words, generator=generator)
    *_, last = film
    return last.x_t


static = torch.randn(12, 3, 32, 32, generator=torch.Generator().manual_seed(0))
figures.pictures(
    picture_from(static),
    "Twelve pictures from twelve pictures of static, without any words: in most somebody of one "
    "kind or another, in one place or another, and no two alike.",
    columns=6,
)

# %% [markdown]
# ## The core: 25 minutes
#
# ### 1 · What else could one start with?
#
# A blank page, say. Here are seven starts. (× 0.5 and × 1.5 is static that is too weak and too strong.) `picture_from` is lesson 05's loop, for the deterministic sampler with the quicker step from the folded part of 05.

# %%
from diffusion_lessons.critters.words import named, spell_out, word_ids

white, photo = torch.ones(6, 3, 32, 32), datasets.photo("chelsea", 32).expand(6, -1, -1, -1)
starts = {"static": static[:6], "white": white, "black": -white, "grey": 0 * white}
starts |= {"photo": photo, "static × 0.5": 0.5 * static[:6], "static × 1.5": 1.5 * static[:6]}
prompts = [
    "an orange cat on the beach",
    "a white bear with a party hat in the mountains",
    "a gray rabbit at night",
    "a brown dog with a top hat in the mountains",
    "an orange fox on a skateboard on the beach",
    "a blue car in a futuristic city",
]
dice = np.random.default_rng(0)  # they choose what a prompt leaves open
words = torch.tensor([spell_out(word_ids(named(prompt)), dice) for prompt in prompts])

# %% [markdown]
# **Predict.** First the *deterministic* sampler, which draws no random numbers. From a white page: a picture in pale colours, any picture, or nothing?

# %%
free = {name: picture_from(x_T) for name, x_T in starts.items()}
asked = {name: picture_from(x_T, words) for name, x_T in starts.items()}
figures.pictures(
    [
        pile[name][i]
        for pile, i in ((starts, 0), (free, 0), (asked, 0), (asked, 3))
        for name in pile
    ],
    "Deterministic. Top row, the starts; below, what comes of them. Static gives pictures. White "
    "and black end as a pale or a dark haze, with at most a shadow of what was asked for. Grey and "
    "the photo give one soft picture each without words; with words both give what was asked for.",
    columns=len(starts),
    titles=list(starts),
    labels=["start", "no words", "orange cat", "brown dog"],
    inches=1.28,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Next to nothing, from white and from black. At its last level the network only ever met static, and the average of so many values of static is always close to 0. A white page's average is 1: it has never seen anything like it. Grey has the right average at least. And without words the photo shines through: brown, and filling the page.
# </details>
#
# **Predict.** Now the *random* sampler, which mixes in fresh noise at each of 100 steps. We give it the same dice for every start. Does white still end in nothing? And will the seven pictures of a row differ?

# %% tags=["nbval-ignore-output"]
from tqdm.auto import tqdm

free_dice = {name: picture_from(x_T, dice=1) for name, x_T in tqdm(starts.items())}
asked_dice = {name: picture_from(x_T, words, dice=1) for name, x_T in tqdm(starts.items())}

# %%
rows = ((free_dice, 0), (free_dice, 1), (asked_dice, 0), (asked_dice, 3))
figures.pictures(
    [pile[name][i] for pile, i in rows for name in starts],
    "Random, with the same dice in each row. Every start gives a proper picture, white and black "
    "too. And along a row it is nearly always the very same picture.",
    columns=len(starts),
    titles=list(starts),
    labels=["no words", "no words", "orange cat", "brown dog"],
    inches=1.28,
)


# %% [markdown]
# In numbers. *Right* counts, out of six prompts, the pictures in which the judge finds every word. *Variety* and *same* look at the six pictures without words. *Variety* is the average distance between two of them: white, black, grey and the photo are one start six times, so the deterministic sampler must give 0 there; look at what the dice add. *Same* counts how many random pictures are nearly the one that came from static.


# %%
def variety(x):
    return float(torch.pdist(x.flatten(1)).mean()) / x[0].numel() ** 0.5


def same(x, other):
    return int(((x - other).square().mean((1, 2, 3)).sqrt() < 0.15).sum())


print(
    "              deterministic      random\nstart         right  variety     right  variety  same"
)
for name in starts:
    found = [6 * prompt_accuracy(x[name], words, judge) for x in (asked, asked_dice)]
    apart, as_static = variety(free[name]), same(free_dice[name], free_dice["static"])
    print(f"{name:12s}    {found[0]:.0f}      {apart:.1f}", end="         ")
    print(f"{found[1]:.0f}      {variety(free_dice[name]):.1f}      {as_static}")

# %%
assert all(prompt_accuracy(asked[name], words, judge) < 0.3 for name in ("white", "black"))
assert all(variety(free[name]) < 0.01 for name in ("white", "black", "grey", "photo"))
assert all(prompt_accuracy(x, words, judge) > 0.7 for x in asked_dice.values())
assert all(variety(x) > 0.4 for x in free_dice.values()) and variety(free["static"]) > 0.4
assert sum(same(x, free_dice["static"]) for x in free_dice.values()) > 28  # of 42

# %% [markdown]
# <details><summary>What happened</summary>
#
# The random sampler forgets where it began. What is in its picture comes from the dice on the way.
# </details>
#
# You may have read that one starts with noise because a white page would impose its structure on the picture. That is true of *one* kind of sampler. With the deterministic one, one page is one picture, and white is not even that. With the random one, in many steps on our schedule, you may start from any of these seven. What both need is chance: asked the same, with the same words, a network answers the same each time. So what tells one picture of a prompt from another must come from noise, either all at the start or bit by bit on the way.
#
# ### 2 · How much of the start is left?
#
# A step of the random sampler from t to s keeps of what we hold only
#
# $$\sqrt{\frac{\bar\alpha_t}{\bar\alpha_s}}\;\cdot\;\frac{1-\bar\alpha_s}{1-\bar\alpha_t}$$
#
# (lesson 05, *Prove it*), where ᾱ is the share of the picture's power that is kept. The rest is the guess and fresh noise. The deterministic step mixes in the guess of the noise, which is what is left over, (x_t − √ᾱ_t x̂₀)/√(1 − ᾱ_t), times √(1 − ᾱ_s). So of what we hold it keeps √(1 − ᾱ_s)/√(1 − ᾱ_t). One pixel of the start that was 1:
#
# | level | share ᾱ | random keeps | left | deterministic keeps | left |
# |---|---|---|---|---|---|
# | t | 0.36 | | 1 | | 1 |
# | s | 0.64 | √(0.36/0.64) · 0.36/0.64 = 0.42 | 0.42 | 0.6/0.8 = 0.75 | 0.75 |
# | 0 | 1 | 0 | 0 | 0 | 0 |
#
# ### Your turn: `survives`
# For the **random** sampler: multiply its factors, step after step. `steps` are falling levels, such as [1000, 990, …, 0]; `alpha_bar[t]` is ᾱ at level t. Return a list with one number for each level, beginning with 1. For the table above, `survives([1, 0.64, 0.36], [2, 1, 0])` is about [1, 0.42, 0].


# %%
def survives(alpha_bar, steps):
    raise NotImplementedError


# %%
survives = lesson.survives.check(survives)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: survives}
# ```
# </details>
#
# Ours walks along the cosine schedule; the linear one is drawn for comparison.

# %%
steps, linear = schedule.timesteps(100).tolist(), schedules.linear(1000)
left = {"deterministic": schedule.noise_rate[steps]}
left["random, linear schedule"] = survives(torch.tensor(linear.alpha_bar), steps)
left["random, cosine schedule"] = survives(torch.tensor(schedule.alpha_bar), steps)
figures.lines(
    steps,
    {name: 100 * np.array(values, dtype=float) for name, values in left.items()},
    "How much of the start is in what we hold. Read from the right, where sampling begins. The "
    "deterministic sampler gives it up only as the noise goes. The random one has lost it by the "
    "middle of the way, and on our cosine schedule after the first step.",
    xlabel="level t, from the picture (0) to noise (1000)",
    ylabel="left of the start, %",
    colors=dict(zip(left, figures.OTHERS[3::-1], strict=False)),
)

# %%
for name, values in left.items():
    print(f"{name:24s} {values[1]:7.2%} after one step, {values[50]:6.2%} after half the way")
assert left["random, cosine schedule"][1] < 0.01 and left["random, linear schedule"][50] < 0.03

# %% [markdown]
# At 0 nothing is left anywhere: a finished picture has no noise in it. The deterministic sampler doesn't keep the static, it *reads* it, all the way down.
#
# ### 3 · From one start to another
#
# So for the deterministic sampler a start is an address: same noise, same picture. What lives halfway between two addresses a and b?
#
# **Predict.** Both pictures, one shining through the other? A third one? And does it matter how we mix? **Break it**: mix straight, (1 − k) a + k b. At k = ½ each pixel is half of a and half of b, two spreads of ½. Variances add (lesson 01), so the spread is √(¼ + ¼) = 0.71, and no longer 1. For any k it is √((1 − k)² + k²), and the cure divides by that:
#
# $$x_T = \frac{(1-k)\;a + k\;b}{\sqrt{(1-k)^2 + k^2}}$$


# %%
def blended(a, b, k, straight=False):
    mixed = (1 - k) * a + k * b
    return mixed if straight else mixed / ((1 - k) ** 2 + k**2) ** 0.5


a, b = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
shares = [i / 32 for i in range(33)]
road = {
    "strength kept": torch.stack([blended(a, b, k) for k in shares]),
    "straight": torch.stack([blended(a, b, k, straight=True) for k in shares]),
}
road_end = {name: picture_from(x_T) for name, x_T in road.items()}
figures.pictures(
    [x for pile in road_end.values() for x in pile[::4]],
    "Nine starts on the way from a (left) to b (right), and what comes of them. Upper row, with "
    "the strength kept: one whole picture turns into another, at times suddenly. Lower row, "
    "straight: the same ends, but plainer in the middle.",
    columns=9,
    labels=list(road_end),
    inches=0.96,
)

# %% [markdown]
# One pair is one pair. So take the halfway pictures of 64 others:

# %%
many = torch.randn(2, 64, 3, 32, 32, generator=torch.Generator().manual_seed(2))
pictures, fine, empty = datasets.load_critters(2000).x0, [], []
for name in road:
    x_T = blended(*many, 0.5, straight=name == "straight")
    halfway = picture_from(x_T)
    fine.append(metrics.high_frequency_power(halfway, pictures))
    empty.append(int((classify(halfway, judge).attributes[:, 0] == 0).sum()))
    print(f"{name:13s}: strength {x_T.std():.2f}, fine detail {fine[-1]:.1f}", end="")
    print(f" (real pictures: 1), nobody in {empty[-1]} of 64")
assert fine[1] < 0.9 * fine[0] and empty[1] > empty[0]

# %% [markdown]
# <details><summary>What happened</summary>
#
# Mostly a third picture, and no double exposure, though it may borrow a head from one and a body from the other. It may be like one neighbour or the other, and somewhere it tips. There you may catch it between two: a city on the left, a pale sky on the right. Mixed straight, the static in the middle is too weak (1 became 0.71), as in "static × 0.5" above: less detail. (Empty places with nobody in them are a little more frequent, too, but so few may be luck.)
# </details>
#
# **Move the slider.** Where does it tip? Is there ever half a meadow in half a city?


# %% tags=["nbval-ignore-output"]
from diffusion_lessons.course import live


def show_blend(k):
    seen = classify(torch.stack([pile[k] for pile in road_end.values()]), judge).attributes
    subjects, places = ("nobody", *world.ATTRIBUTES["subject"][1:]), world.ATTRIBUTES["place"]
    told = [f"{subjects[i]}, {places[j]}" for i, j in seen[:, [0, 5]].tolist()]
    says = f"{k / 32:.0%} of the way from a to b. The judge sees, with the strength kept: "
    shown = [road["strength kept"][k], *(pile[k] for pile in road_end.values())]
    return live.View(shown, f"{says}{told[0]}; straight: {told[1]}.", ["the start", *road])


live.Explorer(
    show_blend,
    "Half of the way: the start, the picture with its strength kept, and the straight one. In "
    "JupyterLab a slider stands above, for the rest of the way.",
    controls={"step of 32": range(33)},
    start=[16],
    size=192,
)

# %% [markdown]
# ### 4 · What settles when?
#
# "Noise → shapes → outline → details and shading", people say. Look at the network's guesses along a film, and then squint: keep nothing but averages of 8 × 8 pixels.
#
# **Predict.** Which is settled first: brightness and shading, or the outline?

# %%
watched = list(
    sampling.sample(network, schedule, static[:1], 50, step=sampling.ddim_step, cond=words[:1])
)
frames = [watched[k].x0_hat for k in (0, 2, 5, 10, 18, 30, 50)]
squinted = [torch.nn.functional.avg_pool2d(x, 8) for x in frames]
squinted = [torch.nn.functional.interpolate(x, scale_factor=8, mode="bicubic") for x in squinted]
figures.pictures(
    [*frames, *squinted],
    "The guess at seven levels, from noise on the left to the finished orange cat on the right; "
    "below, the same with eyes squinted. Squinted, hardly anything changes from the fourth on, "
    "while above outlines and details are still to come.",
    columns=7,
    titles=[f"t = {watched[k].t}" for k in (0, 2, 5, 10, 18, 30, 50)],
    labels=["as it is", "squinted"],
    inches=0.96,
)

# %% [markdown]
# Now 32 films without words, by size of detail. A picture is a sum of waves: 1 wave across is shading from side to side, 16 waves change from pixel to pixel.

# %%
static_32 = torch.randn(32, 3, 32, 32, generator=torch.Generator().manual_seed(3))
film = list(sampling.sample(network, schedule, static_32, 50, step=sampling.ddim_step))
levels, end = [state.t for state in film], film[-1].x_t
sizes = {"0 waves, brightness": (0, 0), "1 wave": (1, 1), "2 waves": (2, 2)}
sizes |= {"3 to 5 waves": (3, 5), "6 to 10 waves": (6, 10), "11 and more": (11, 23)}
missing = {
    name: [100 * metrics.missing_detail(state.x0_hat, end, waves) for state in film]
    for name, waves in sizes.items()
}

# %%
settled = {}
for name, values in missing.items():
    settled[name] = next(t for i, t in enumerate(levels) if max(values[i:]) < 10)
    print(f"{name:19s}: less than 10 % of its power missing, for good, from t = {settled[name]}")
order = list(settled.values())
assert order == sorted(order, reverse=True) and order[1] - order[5] > 300
lesson.bands(
    levels,
    missing,
    settled,
    "What the guess still lacks of the finished picture, for six sizes of detail. Read from the "
    "right. The dots mark where each falls below 10 % for good: brightness first, broad waves "
    "next, the finest last.",
)

# %% [markdown]
# **Move the slider.** One of these films, with what its guess still lacks, and whom the judge sees in it. How often does the judge change its mind? Would you have been as sure?

# %% tags=["nbval-ignore-output"]
from diffusion_lessons.course import interactive

surest = int(classify(end, judge).probabilities[0].amax(1).argmax())
one = [(state.t, state.x_t[surest], state.x0_hat[surest]) for state in film]
seen_in_it = classify(torch.stack([guess for _, _, guess in one]), judge).probabilities[0]
likely = seen_in_it.amax(0).topk(3).indices.tolist()
interactive.film(
    {"without words": one},
    "Seven frames of one film, what is held above, the guess below. In JupyterLab and in an exported "
    "page all frames can be played, with curves of what the guess lacks and of what the judge sees.",
    tracks={
        "the guess lacks, %": {
            name: [
                100 * metrics.missing_detail(guess[None], end[surest, None], sizes[name])
                for _, _, guess in one
            ]
            for name in ("1 wave", "3 to 5 waves", "11 and more")
        },
        "the judge sees, %": {
            world.ATTRIBUTES["subject"][i]: (100 * seen_in_it[:, i]).tolist() for i in likely
        },
    },
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Broad things first, strictly in order of size. So the honest version is *noise → brightness and broad shading → shapes → outlines → fine detail*: shading comes first, not last. (Lesson 01 says why: noise drowns fine waves, which are weak, long before broad ones.) The judge was trained on finished pictures, so it names somebody in any blur: don't trust it early on. *Go further* asks in a better way. And it is no "Polaroid in reverse": a Polaroid comes up out of nothing, forwards, and so does this. Only t is counted backwards.
# </details>
#
# *End of the core. Short of time? Jump to "What you now know" at the end.*

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### It doesn't matter in how many steps
# In your product, most things cancel. √(ᾱ_T/ᾱ_s) · √(ᾱ_s/ᾱ_r) is √(ᾱ_T/ᾱ_r), and the fractions do the same. What is left at level s after *any* walk is one jump:
#
# $$\sqrt{\frac{\bar\alpha_T}{\bar\alpha_s}}\cdot\frac{1-\bar\alpha_s}{1-\bar\alpha_T}$$
#
# Where ᾱ_T is far smaller than ᾱ_s, that is nearly 0. On the cosine schedule one step of ours is enough. The linear one ends in nearly pure noise too, but there ᾱ changes slowly at that end, so forgetting takes much of the way.

# %%
alpha_bar = torch.tensor(linear.alpha_bar)
for n in (2, 10, 500):
    values = survives(alpha_bar, linear.timesteps(n).tolist())
    print(f"linear schedule, {n:3d} steps: left at t = 500 {values[n // 2]:.5f}")
assert (
    abs(values[250] - linear.snr[1000] ** 0.5 * linear.sigma[500] * linear.noise_rate[500]) < 1e-4
)

# %% [markdown]
# ### A whisper gets through
# Is the start forgotten entirely, then? It has a second way in: the guess. From a white page the very first guess is strange, and the step takes a little of it along, √ᾱ_s of it.
#
# **Predict.** Will fewer, larger steps make the start matter more, or less?

# %%
from diffusion_lessons import forward

first = {}
for name, x_T in (("static", starts["static"]), ("white", white)):
    level = torch.full((6,), 1000)
    said = network(x_T, level)
    first[name] = forward.prediction(schedule, x_T, level, said, network.target).x0_hat.mean()
    print(f"brightness of the first guess from {name}: {first[name]:.1f}")
white_and_static = {}
for n in (12, 25, 100):
    pair = [picture_from(starts[name], dice=1, n=n) for name in ("static", "white")]
    white_and_static[n] = float((pair[0] - pair[1]).square().mean((1, 2, 3)).sqrt().mean())
    print(f"{n:3d} steps: white and static end {white_and_static[n]:.1f} apart")
assert white_and_static[12] > 2 * white_and_static[100]

# %% [markdown]
# <details><summary>What happened</summary>
#
# More. A large first step takes more of the strange guess along, and then all depends on it. With small steps it drowns in fresh noise. So of the start itself nearly nothing is left after a step, but its echo in the guess can live on. (Six pictures are too few to say where the border lies.)
# </details>
#
# ### How far from real ones?
# Accuracy hides a lot: with words, weak and strong static were all right. So without words, many pictures, and the Fréchet distance. The judge describes each picture by a list of numbers; of two piles of pictures, this compares the averages of those numbers and how they spread. Small is good, but it is never 0, not even for real against real. (Lesson 08 builds it.)

# %%
noise = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(4))
many_from = {f"static × {k}": picture_from(k * noise) for k in (0.5, 1.0, 1.5)}
many_from["real, others"] = pictures[64:128]
many_from["grey"] = free["grey"][:1].expand(64, -1, -1, -1)
real = classify(pictures[:64], judge).features
far = {}
for name, x in many_from.items():
    far[name] = metrics.frechet_distance(classify(x, judge).features, real)
    detail = metrics.high_frequency_power(x, pictures)
    print(
        f"{name:12s}  distance {round(far[name], -1):5.0f}   fine detail {detail:.1f}   variety {variety(x):.1f}"
    )
assert far["static × 0.5"] > 1.4 * far["static × 1.0"] > 1.4 * far["real, others"]
assert far["grey"] > 2 * far["static × 1.0"]

# %% [markdown]
# Weak static: smooth, and too much of a kind. Strong static: grainy. The network takes off about as much noise as the level says; what is over stays in the picture. (The distance alone would not have told you: it hardly sees grain. Look at the fine detail, and at the pictures.)
#
# ### A schedule that stops too early
# A user of a small implementation (tiny-diffusion, issue 4) noticed that its 50 steps do not end in pure noise, and that with 250 the results were good. One can ask this of many. *The Annotated Diffusion Model*, in its first version, ran a linear schedule of 200 steps, and started from pure static all the same. It ends with 36 % of the picture's amplitude left, which is ᾱ = 0.13: near the 15.5 % below.
#
# Let's do that on purpose: our network, its levels cut off at some t where training still had ᾱ left, started with pure static. (In 64 steps, since brightness settles near the start, and a walk of 16 takes a single stride across most of that.)
#
# **Predict.** What will be wrong with the pictures?

# %%
cuts = {
    alpha_bar: int(abs(schedule.alpha_bar - alpha_bar).argmin())
    for alpha_bar in (0, 0.012, 0.06, 0.155, 0.5)
}


def cut_short(x_T, cut, words=None):
    short = schedules.Schedule(schedule.alpha_bar[: cut + 1])
    step = sampling.dpm_solver_2m()
    *_, last = sampling.sample(network, short, x_T, 64, step=step, cond=words)
    return last.x_t


too_early = {share: cut_short(noise[:48], cut) for share, cut in cuts.items()}
figures.pictures(
    [x for pile in too_early.values() for x in pile[:8]],
    "From top to bottom, schedules that stop earlier and earlier, always started with the same "
    "pure static. Dark and pale pictures go; in the end all are of one middling "
    "brightness, nearly all in the same place, with grain.",
    columns=8,
    labels=[f" {share:.1%} left" for share in too_early],
    inches=0.96,
)


# %%
def light_of(x):
    return float(x.mean((1, 2, 3)).std())


real_night = float((datasets.load_critters(2000).attributes[:, 5] == 4).float().mean())
print(f"real pictures: spread of brightness {light_of(pictures):.2f}, nights {real_night:.0%}\n")
print("ᾱ at the end   spread   nights   futuristic cities   words right")
for share, x in too_early.items():
    place = classify(x, judge).attributes[:, 5]
    told = prompt_accuracy(cut_short(noise[:6], cuts[share], words), words, judge)
    nights, cities = [f"{(place == i).float().mean():4.0%}" for i in (4, 3)]
    print(f"{share:<12}   {light_of(x):.2f}     {nights}     {cities}", end="                ")
    print(f"{6 * told:.0f} of 6")

# %%
assert light_of(too_early[0.06]) < 0.65 * light_of(pictures) > 4 * light_of(too_early[0.5])
fair = forward.add_noise(schedule, pictures[:48], cuts[0.155], noise[:48])
by_fair = light_of(cut_short(fair, cuts[0.155]))
print(f"the same cut at ᾱ = 0.155, but started where training was: spread {by_fair:.2f}")
assert by_fair > 0.8 * light_of(pictures)
found = {share: classify(x, judge).attributes[:, 5] for share, x in too_early.items()}
middling = {share: float((place == 3).float().mean()) for share, place in found.items()}
assert middling[0.5] > 0.8 > 0.7 > middling[0.012] > 0.3

# %% [markdown]
# <details><summary>What happened</summary>
#
# Everything becomes middling: at ᾱ = 0.155 more than nine pictures in ten are in the same middling place, a futuristic city, and none is a night. Words hide it for long: up to there all six are right. And the network is not to blame: start it from real pictures under that much noise, as in training, and all is well. It is the start that is wrong.
# </details>
#
# ### The number that predicts it
# Why so early, at ᾱ = 0.06, where there is hardly any picture to be seen? Because the network can *add up*. The average of n values of static spreads only 1/√n. So compare, in the last level of the schedule, how far the pictures' brightness spreads with how far the static's does:
#
# $$R = \frac{\sqrt{\bar\alpha}\cdot\text{spread}}{\sqrt{1-\bar\alpha}\,/\sqrt{n}}$$
#
# With R above 1 the brightness can be read off, and the network relies on it. For example ᾱ = 0.36, a spread of 0.25, and 64 values: 0.6 · 0.25 / (0.8/8) = 1.5.
#
# ### Your turn: `brightness_ratio`


# %%
def brightness_ratio(alpha_bar, spread, pixels):
    raise NotImplementedError


# %%
brightness_ratio = lesson.brightness_ratio.check(brightness_ratio)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# {solution: brightness_ratio}
# ```
# </details>
#
# A deterministic sampler that expects brightness as in training, and is given static's, leaves only this of the spread: spread / √((1 − ᾱ)(1 + R²)). That is exact if brightness follows a bell curve and the network is perfect. (`pixels` is n, the number of values: 3 colours × 32 × 32 = 3072.)

# %%
ends = np.array(list(cuts))
R = np.array([brightness_ratio(share, light_of(pictures), 3072) for share in ends])
expected = light_of(pictures) / np.sqrt((1 - ends) * (1 + R**2))
measured = np.array([light_of(x) for x in too_early.values()])
figures.lines(
    ends,
    {"measured": measured, "from R": expected, "real pictures": np.full(5, light_of(pictures))},
    "Spread of brightness of the generated pictures, against what is left at the end of the "
    "schedule. It falls steeply, and a little later than R predicts: where the schedule stops too "
    "early, up to twice as much is left; at 0.155 less than a quarter of "
    "real pictures' is left. (At 0 this network falls a little short of them by itself.)",
    xlabel="share of the picture left at the last level, ᾱ",
    ylabel="spread of brightness",
    colors={
        "measured": figures.OTHERS[0],
        "from R": figures.OTHERS[3],
        "real pictures": figures.SIGNAL,
    },
)

# %%
well_known = {"linear, T = 1000": schedules.linear(1000), "linear, T = 200": schedules.linear(200)}
for name, s in (well_known | {"cosine, T = 1000": schedule}).items():
    R = brightness_ratio(s.alpha_bar[-1], light_of(pictures), 3072)
    print(f"{name:16s}  left: {s.signal_rate[-1]:6.2%} of the amplitude, R = {R:.2f}")
ratio = measured / expected
print("measured, in units of what R predicts:", *[f"{r:.1f}" for r in ratio])
assert abs(ratio[0] - 1) < 0.2 and (ratio[1:] > 1.2).all() and ratio.max() < 2.05
assert measured[3] < 0.25 * light_of(pictures)

# %% [markdown]
# So: look at the last ᾱ of a schedule, and work out R. Larger pictures have more values, so R grows with the picture: a schedule that is good enough at 32 × 32 may stop too early at 512 × 512.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### When did it decide to be a cat?
# We have a judge that names what it sees. Let it look at the guesses along sixteen films of the random sampler, without words: how probable does it find, at each level, what will be there in the end? And the same with the word "cat".
#
# But the judge has never seen blurs. It names something whatever it is shown:

# %%
blur = classify(pictures.mean(0, keepdim=True), judge)
sure = [float(p.max()) for p in blur.probabilities]
print(
    f"shown the average of 2,000 pictures: place {world.ATTRIBUTES['place'][blur.attributes[0, 5]]}, {sure[5]:.0%} sure"
)

# %% [markdown]
# So don't trust it there; ask in another way too. **Branch** the film: go back to level t, and let it run on from there with *other dice*, three times. If all branches end with the same animal, then at t it was decided. Here the judge sees finished pictures only.
#
# **Predict.** In which order are they settled: place, colour, animal?

# %% tags=["nbval-ignore-output"]
films, branches, people = (
    {},
    {},
    torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(5)),
)
a_cat, dice = word_ids({"subject": "cat"}), np.random.default_rng(0)
cat = torch.tensor([spell_out(a_cat, dice) for _ in range(16)])
for name, cond in (("no words", None), ("cat", cat)):
    dice = torch.Generator().manual_seed(6)
    walk = sampling.sample(
        network, schedule, people, 30, step=sampling.ddpm_step, cond=cond, generator=dice
    )
    films[name] = list(walk)
for k in tqdm((0, 3, 6, 9, 12, 18, 24)):
    state, dice = films["no words"][k], torch.Generator().manual_seed(7 + k)
    short = schedules.Schedule(schedule.alpha_bar[: state.t + 1])
    held = state.x_t.repeat_interleave(3, 0)
    walk = sampling.sample(network, short, held, 30 - k, step=sampling.ddpm_step, generator=dice)
    *_, last = walk
    branches[state.t] = last.x_t

# %%
ended, shown = films["no words"][-1].x_t, (1000, 900, 800, 600, 400)
final = classify(ended, judge).attributes
somebody = [i for i, subject in enumerate(final[:, 0].tolist()) if subject][:2]
blocks = [[ended[i], *branches[t][3 * i : 3 * i + 3]] for t in shown for i in somebody]
figures.pictures(
    [x for block in blocks for x in block],
    "Two films, left and right. In each block of four first the film's own end, then three "
    "branches. From t = 1000 all differ. From 900 the background is plain in all, whoever stands "
    "there; from 600 most of the picture is settled, and from 400 only details change.",
    columns=8,
    labels=[f"  from t = {t}" for t in shown],
    inches=0.96,
)

# %%
column = {"place": 5, "colour": 1, "subject": 0}
judged = {name: [] for name in [*column, "subject, with the word cat"]}
for state, with_cat in zip(films["no words"], films["cat"], strict=True):
    p = classify(state.x0_hat, judge).probabilities
    for name, i in column.items():
        judged[name].append(100 * float(p[i].gather(1, final[:, i : i + 1]).mean()))
    p = classify(with_cat.x0_hat, judge).probabilities[0]
    judged["subject, with the word cat"].append(100 * float(p[:, 1].mean()))
branched = {name: [] for name in column}
for x in branches.values():
    agree = classify(x, judge).attributes == final.repeat_interleave(3, 0)
    for name, i in column.items():
        branched[name].append(100 * float(agree[:, i].float().mean()))

# %%
lesson.decisions(
    [state.t for state in films["no words"]],
    judged,
    list(branches),
    branched,
    "Left, how probable the judge finds the final place, colour and subject when it looks at the "
    "guesses; right, how many branches end with the same. Read from the right. Both say: place "
    "first, and the subject last. With the word cat, a cat is there from very early on.",
)

# %%
print("branches that end the same, %\n   t     place  colour  subject")
for t, *row in zip(branches, *branched.values(), strict=True):
    print(f"{t:4d}     {row[0]:4.0f}    {row[1]:4.0f}     {row[2]:4.0f}")
at_800 = [values[list(branches).index(800)] for values in branched.values()]
assert at_800[0] > 85 and branched["colour"][list(branches).index(600)] > 85
assert at_800[0] > at_800[2] + 5 and branched["subject"][0] < 50 < 70 < branched["subject"][-1]
assert judged["subject, with the word cat"][3] > 85 > judged["subject"][3]

# %% [markdown]
# <details><summary>What happened</summary>
#
# The place, which is broad, is settled first, by about t = 800; the colour by about 600; the subject hangs on ears and noses, which are small, and is open longest. There is no one moment. (And some end so muddled that the judge itself wavers.) The judge on blurs and the branches tell roughly the same story. With the word "cat" there is little to decide: the judge sees one almost from the start (though that is its reading of blurs again), and the rest develops.
#
# All this is for the random sampler. For the deterministic one everything is decided at the start; what one can ask there is only from when on the network *sees* it, as in part 4.
# </details>
#
# ## What you now know

# %%
grading.summary()

# %% [markdown]
# **Three sentences.** Asked the same, the network always answers the same, so what makes one picture of the same words different from another is noise: at the start for the deterministic sampler, on the way for the random one, which forgets its start. For the deterministic one the start should be like what training showed at its last level, static of strength 1, or detail, variety or the whole picture suffers; and the schedule must truly end in static, or brightness goes wrong. Broad things are settled first and fine ones last, place before colour before animal.
#
# **Try this.** Add `"half": ...` to `starts`, a page that is white on the left and black on the right, and run all. And then static plus 0.1: how much of a white page is too much?
#
# **Where it lives now.** `survives` is the first factor in `forward.posterior`, step by step; cutting a schedule is `schedules.Schedule(schedule.alpha_bar[: t + 1])`; the judge is in `diffusion_lessons/critters/judge.py`.
#
# **What we hid.** "Deterministic" holds on one machine; another rounds differently, and pictures may differ in the last digits. And "decided" depends on the words for it: the picture is always a little undecided, down to the last pixel.
