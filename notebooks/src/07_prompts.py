# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 07 · How do words steer it?
#
# *"A cat wearing sunglasses."* You type it, static clears, and there it is. The network that draws it has seen cats, and it has seen sunglasses, but never a cat that wore any. How can words do that?
#
# At the end you can
# - follow a sentence on its way into the network, from words to numbers to vectors;
# - write guidance in one line, and say when it is too much;
# - test whether a network can put together what it never saw together.
#
# **25 minutes for the core**; *Prove it* and *Go further* are folded below it.

# %%
import torch
from IPython.display import display
from tqdm.auto import tqdm

from diffusion_lessons import checkpoints, checks, sampling, schedules
from diffusion_lessons.course import figures, live
from diffusion_lessons.course import lesson_07 as lesson
from diffusion_lessons.critters import datasets, prompts, world
from diffusion_lessons.unet import UNet

shipped, schedule = checkpoints.load(), schedules.cosine(1000)

# %%
from diffusion_lessons.critters import generate

cool_cat = prompts.parse("a cat wearing sunglasses")
asked = generate.sample_conditions(cool_cat, 8, seed=0)
[film] = generate.sample_batches(shipped, asked, generate.initial_noise(8, seed=0))
figures.captioned(
    film[-1].x_t,
    [generate.describe(row) for row in asked.tolist()],
    "Eight cats wearing sunglasses, drawn by the network that comes with the course. It never saw "
    "one. Below each, what it was told: the wish, and what dice chose to go with it.",
)

# %% [markdown]
# ## The core: 25 minutes
#
# ### 1 · What it never sees
#
# Here are the 20,000 pictures that yours will learn from. (The network above learned from these and 40,000 more, drawn by the same program.) Six pairs of words never meet in them: a cat and sunglasses, a rabbit and a skateboard, a fox and blue, a frog and a top hat, a dog and a futuristic city, a party hat and the night. They are *held out*, for a test. Don't take our word for it; count.

# %%
number = {word: k for k, word in enumerate(prompts.words(range(1, 28)), start=1)}
drawn = datasets.load_critters(20_000)
for (_, one), (_, other) in world.HELD_OUT:
    ones, others = ((drawn.cond == number[word]).any(1) for word in (one, other))
    both = int((ones & others).sum())
    print(f"{one:10} {ones.sum():5,}   {other:16} {others.sum():5,}   together {both}")
    assert both == 0

# %% [markdown]
# **Predict.** Ask a network that was trained on these for a cat with sunglasses. Do you get a cat without, sunglasses on somebody else, a cat with sunglasses, or mush? Decide now.
#
# Then start your own training, and read on while it works; it takes about a minute.

# %% tags=["nbval-ignore-output"]
from diffusion_lessons.train import make_ema, train

PICTURES = 45_056
torch.manual_seed(0)
student = UNet(widths=(32, 64, 128), vocabulary=len(world.VOCABULARY))
mine = make_ema(student)
records = train(student, (drawn.x0, drawn.cond), schedule, pictures=PICTURES, ema=mine)
monitor = live.Monitor(PICTURES, "The loss of a training that hears words, all the way.")
display(monitor)
for _ in monitor.watch(records):
    pass

# %% [markdown]
# ### 2 · From words to numbers to vectors
#
# A network can only calculate. So first a sentence becomes numbers. Watch every stage:

# %%
text = "Draw a kitty with shades, but no hat, please"
for stage in prompts.stages(text):
    meant = ", ".join(prompts.words(stage.ids))
    print(f"{stage.written:7} {stage.meaning:11} {meant:20} {[*stage.ids]}")

# %% [markdown]
# That was a look-up in a table of 27 words and their synonyms, no more. (Large models learn this stage too.) But a picture needs more than was said. What colour? Where? **Dice** fill in what the wish leaves open, and never choose what is unwanted:

# %%
prompt = prompts.parse(text)
rows = generate.sample_conditions(prompt, 3, seed=0)
for row in rows.tolist():
    print(row, "=", ", ".join(prompts.words(row)))

# %% [markdown]
# Six numbers: who, colour, eyes, head, feet, place. "No hat" is a word as well.
#
# Next, each word gets a **vector**, here a list of 192 numbers. They were random once, and training turned them like all other weights. The six vectors of a picture are added up:
#
# $$c = \tau(t) + e_1 + e_2 + e_3 + e_4 + e_5 + e_6$$
#
# τ ("tau") is the vector that tells the level t (lesson 04). With two numbers each, and two words:
#
# | τ(t) | e(cat) | e(night) | c |
# |---|---|---|---|
# | (1.0, 0.5) | (0.2, −0.4) | (−0.5, 0.3) | (0.7, 0.4) |

# %%
vectors = shipped.words(rows[0])
lesson.vectors(
    dict(zip(prompts.words(rows[0].tolist()), vectors, strict=True)),
    vectors.sum(0),
    "Six words, six vectors of 192 numbers (orange is negative, purple positive), and below them "
    "their sum, all that the network ever hears of your sentence.",
)

# %% [markdown]
# Inside, the network is a chain of *blocks*, and each works on a stack of little grey pictures, its *channels*. Each block turns c, twice, into a scale and a shift for each of its channels: h becomes (1 + scale) · h + shift. With h = 0.5, a scale of 0.2 and a shift of −0.1 that is 0.5 again; with others the channel is loud or silent. That is all that words do. They turn knobs.
#
# **Predict.** Nobody told the network which words are colours and which are animals. Which vectors will point the same way? And where does "no sunglasses" point: opposite to "sunglasses"?

# %%
e = shipped.words.weight[1:]
likeness = torch.cosine_similarity(e[:, None], e[None], dim=2)
order = [*range(14), 14, 24, 15, 16, 25, 17, 26, *range(18, 24)]
lesson.likeness(
    likeness[order][:, order],
    [[*number][k] for k in order],
    [7, 7, 2, 3, 2, 5, 1],
    "How alike the vectors of two words are: 1 (yellow) points the same way, 0 (grey) has nothing "
    "in common. Squares along the diagonal: animals are like animals, colours like colours, places "
    "like places.",
)

# %%
likest = (likeness - 2 * torch.eye(27)).argmax(1)
for word in ("cat", "black", "sunglasses", "top hat", "beach"):
    k = number[word] - 1
    print(f"{word:10} is most like {[*number][likest[k]]:13} {likeness[k, likest[k]]:.2f}")
assert (likest[:7] < 7).all() and ((likest[7:14] > 6) & (likest[7:14] < 14)).all()

# %% [markdown]
# <details><summary>What happened</summary>
#
# Animals are like animals, and colours like colours: it found out what *kind* each word is, from pictures alone. And "no sunglasses" is not the opposite of "sunglasses", but nearly the same! Every picture with somebody in it had exactly one word of each kind, so what the words of a kind have in common only says "words are spoken here". All that tells the two apart is the small rest. ("Nobody" is like the animals *and* like the colours. It stands for both, since nobody has no colour.)
# </details>
#
# ### 3 · What the words change, more of it
#
# In training, one picture in ten had all its words hidden (0 stands for "nothing said"). So one and the same network gives two answers: one with words, and one without, the *null*. Their difference is **what the words change**. Take more of it:
#
# $$\text{out} = \text{out}_\text{null} + w\,(\text{out}_\text{cond} - \text{out}_\text{null})$$
#
# One pixel, with the answers 0.2 without words and 0.5 with them:
#
# | guidance w | 0 | 1 | 2 | 4 |
# |---|---|---|---|---|
# | out | 0.2, no words | 0.5, as trained | 0.8, beyond | 1.4, far beyond |
#
# This is *classifier-free guidance*. Careful: others count from the plain answer and write w − 1, so that their 6.5 is 7.5 here.
#
# ### Your turn: `guide`


# %%
def guide(out_cond, out_null, w):
    raise NotImplementedError


# %%
guide = checks.guide(guide)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def guide(out_cond, out_null, w):
#     return out_null + w * (out_cond - out_null)
# ```
# </details>
#
# With it any network becomes one that listens harder, and samplers (lesson 05) needn't know:


# %%
class Steered:
    def __init__(self, model, cond, w, null=None):
        self.model, self.cond, self.w, self.null = model, cond, w, null
        self.target = model.target

    def __call__(self, x_t, t, cond=None):
        with_words, without = self.model(x_t, t, self.cond), self.model(x_t, t, self.null)
        return torch.as_tensor(guide(with_words, without, self.w)).float()


def paint(model, cond, noise, w=2.0, null=None):
    steered, step = Steered(model, cond, w, null), sampling.dpm_solver_2m()
    *_, last = sampling.sample(steered, schedule, noise, 16, step=step)
    return last.x_t


# %% [markdown]
# **Predict.** Your network, the same static, five strengths. What will w = 0 draw, and what w = 8?

# %%
six = ["orange cat on the beach", "white rabbit at night", "green frog in the mountains"]
six += ["blue car in a futuristic city", "white bear in a party hat", "brown dog in a top hat"]
asked = torch.cat([generate.sample_conditions(prompts.parse(wish), 1, seed=1) for wish in six])
scales = (0, 1, 2, 3, 5, 8, 12)
by_scale = {w: paint(mine, asked, generate.initial_noise(6, seed=1), w) for w in scales}
shown = (0, 1, 2, 5, 8)
figures.pictures(
    [picture for w in shown for picture in by_scale[w]],
    "Six wishes drawn by your network from the same static, with more and more guidance from top "
    "to bottom. Without words (w = 0) there is a muddle of everybody, then comes what was wished "
    "for, and at last glaring colours and hard edges.",
    columns=6,
    titles=[wish.split()[1] for wish in six],
    labels=[f"w = {w}" for w in shown],
    inches=1.28,
)

# %% [markdown]
# Now measure. *Right*: a judge, a network made only to recognise critters, finds everything that the caption of a new picture says. *Clipped*: values beyond black or white. *Variety*: among 32 pictures, how many differ in something that the judge can name? Once for "a cat", with dice, and once for "night" with the five other words left *blank* (0).

# %% tags=["nbval-ignore-output"]
from diffusion_lessons import metrics
from diffusion_lessons.critters.judge import classify, load_judge, prompt_accuracy

judge = load_judge()
new, strengths = datasets.load_critters(64, seed=1), (1, 2, 3, 5, 8, 12)
by_dice = generate.sample_conditions(prompts.parse("a cat"), 32, seed=2)
blank = prompts.cond(prompts.parse("night").tokens, 32)
right, clipped, variety = [], [], {"rest by dice": [], "rest blank": []}
for w in tqdm(strengths, leave=False):
    x = paint(mine, new.cond, generate.initial_noise(64, seed=3), w)
    right.append(100 * prompt_accuracy(x, new.said, judge))
    clipped.append(100 * float((x.abs() > 1).float().mean()))
    for counts, cond in zip(variety.values(), (by_dice, blank), strict=True):
        found = classify(paint(mine, cond, generate.initial_noise(32, seed=4), w), judge).attributes
        counts.append(len(found.unique(dim=0)))

# %% tags=["nbval-ignore-output"]
lesson.along_guidance(
    strengths,
    {"right, %": {"": right}, "clipped, %": {"": clipped}, "different, of 32": variety},
    "Left: the share of right pictures rises, and then falls. Middle: clipped values only ever "
    "rise. Right: where dice choose the rest, variety stays; where it is left blank, it is soon "
    "lost.",
)

# %% tags=["nbval-ignore-output"]
print("right  ", *[f"w = {w}: {share:.0f} %" for w, share in zip(strengths, right, strict=True)])
print("clipped", *[f"w = {w}: {share:.0f} %" for w, share in zip(strengths, clipped, strict=True)])
assert max(right[1:4]) > right[0] and right[-1] < max(right) and 25 < clipped[-1] < 45
assert variety["rest blank"][3] < variety["rest blank"][0] < 1.4 * variety["rest by dice"][3]

# %% [markdown]
# **Move the slider.** Where would *you* stop, and where would the judge? What goes first beyond that: the animal, its colour, or the background?


# %% tags=["nbval-ignore-output"]
from diffusion_lessons.course import interactive

untold = paint(mine, new.cond, generate.initial_noise(64, seed=3), 0)
never_told = 100 * prompt_accuracy(untold, new.said, judge)
interactive.guidance(
    {wish: {w: x[k] for w, x in by_scale.items()} for k, wish in enumerate(six) if k % 2 == 0},
    {
        "64 captions, %": {
            "right": [round(share) for share in (never_told, *right)],
            "clipped": [
                round(100 * float((untold.abs() > 1).float().mean())),
                *map(round, clipped),
            ],
        }
    },
    "Three wishes at six strengths of guidance, from no words to glaring. In JupyterLab and in an "
    "exported page a slider goes through all seven, beside how many of 64 pictures are right.",
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# From 2 to 5 it is better than at 1: this network is unsure, and guidance makes up its mind. But too much is bad. At 12 about a third of the values lie outside what a screen can show, and the words come out *less* often again. And where words were left blank, as around "night", the same few come again and again. That is one reason why we throw dice for what you leave open, and don't let guidance choose. (Blanks are a trap of their own, see *Break it*.) We go on with w = 2, with little clipping.
# </details>
#
# ### 4 · The cat with sunglasses
#
# Look at what you predicted in section 1. Then run.

# %% tags=["nbval-ignore-output"]
asked, static = generate.sample_conditions(cool_cat, 6, seed=0), generate.initial_noise(6, seed=0)
cats, best_cats = paint(mine, asked, static), paint(shipped, asked, static)
known = drawn.x0[metrics.nearest(best_cats, drawn.x0).index]
figures.pictures(
    [*cats, *best_cats, *known],
    "A cat with sunglasses, six times. Top: your network, after a minute. Middle: the "
    "shipped one, larger, after thirty times as much training. Bottom: for each in the middle the "
    "nearest of your 20,000 training pictures. None is a cat with sunglasses.",
    columns=6,
    labels=["yours", "shipped", "nearest"],
    inches=1.28,
)

# %% [markdown]
# **Move the slider.** One static, two films in step, without words and with them. When do they part, and when do the sunglasses come: before the cat, or after?

# %% tags=["nbval-ignore-output"]
both = {}
for name, w in {"no words": 0, "a cat wearing sunglasses": 2}.items():
    steered, step = Steered(shipped, asked[:1], w), sampling.dpm_solver_2m()
    walk = list(sampling.sample(steered, schedule, static[:1], 16, step=step))
    both[name] = [(state.t, state.x_t[0], state.x0_hat[0]) for state in walk[::2]]
*_, told = both.values()
seen = classify(torch.stack([guess for _, _, guess in told]), judge).probabilities
interactive.film(
    both,
    "The film without words, in seven frames: what is held above, the guess below. In JupyterLab and "
    "in an exported page it runs in step with that of a cat wearing sunglasses.",
    tracks={
        "the judge sees, %": {
            "a cat": (100 * seen[0][:, 1]).tolist(),
            "sunglasses": (100 * seen[2][:, 1]).tolist(),
        }
    },
)

# %% [markdown]
# And in numbers: each held-out pair 32 times, beside a pair like it that *was* in the training set.


# %% tags=["nbval-ignore-output"]
def score(model, wish):
    prompt = prompts.parse(wish)
    x = paint(
        model, generate.sample_conditions(prompt, 32, seed=5), generate.initial_noise(32, seed=5)
    )
    return prompt_accuracy(x, prompts.cond(prompt.tokens, 32), judge)


pairs = {
    "cat wearing sunglasses": "bear wearing sunglasses",
    "rabbit on a skateboard": "cat on a skateboard",
    "blue fox": "blue rabbit",
    "frog in a top hat": "frog in a party hat",
    "dog in a futuristic city": "dog on the beach",
    "party hat at night": "party hat on the beach",
}
results = {}
for wish in tqdm([*pairs, *pairs.values()], leave=False):
    results[wish] = [score(model, wish) for model in (mine, shipped)]

# %% tags=["nbval-ignore-output"]
print("never seen together       yours  shipped     seen together             yours  shipped")
for wish, twin in pairs.items():
    (a, b), (c, d) = results[wish], results[twin]
    print(f"{wish:26}{a:5.0%}{b:9.0%}     {twin:26}{c:5.0%}{d:9.0%}")
tested = torch.tensor([results[wish] for wish in (*pairs, *pairs.values())]).reshape(2, 6, 2)
unseen, seen = tested.mean(1)
print(f"{'mean':26}{unseen[0]:5.0%}{unseen[1]:9.0%}     {'':26}{seen[0]:5.0%}{seen[1]:9.0%}")
assert unseen[1] > 0.9 and unseen[0] > max(0.45, seen[0] - 0.2) and seen[0] > 0.5
assert results["cat wearing sunglasses"][0] < results["blue fox"][0] > 0.7

# %% [markdown]
# <details><summary>What happened</summary>
#
# A cat with sunglasses, from both; from the shipped network nearly always, from yours only when it manages sunglasses at all. They are small, and come late in training, on bears too, which it has seen with them. After a minute, most pairs that never met come out less often than those that did, but far more often than never. (Your numbers differ from ours: training depends on the machine.) It learned what a cat is from many cats, and what sunglasses are from many others; both are knobs, and nobody had to turn the two together before.
# </details>
#
# **Now you.** Type wishes to *your* network. Which words does it know well, and which does it mix up? (Put `shipped` in the place of `mine` to ask the other.)

# %% tags=["nbval-ignore-output"]
live.PromptBox(
    mine,
    "a green frog at night",
    "Four green frogs at night, drawn by a network after about a minute of training. In "
    "JupyterLab a box stands above them, for wishes of your own.",
    guidance=2,
)

# %% [markdown]
# *End of the core. Short of time? Jump to "What you now know" at the end.*

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Prove it

# %% [markdown]
# ### Why dice choose what you leave open
#
# Captions leave much unsaid. So why not train on captions as they are, and let the network choose the rest? Because of what silence comes to mean. Take all pictures whose caption says the place, and says nothing about a hat.
#
# **Predict.** In what share of them is there a party hat: at the beach, and at night?

# %%
no_word_of_hats = ~((drawn.said == number["top hat"]) | (drawn.said == number["party hat"])).any(1)
for place in ("beach", "night"):
    silent = no_word_of_hats & (drawn.said == number[place]).any(1)
    hats = (drawn.cond[silent] == number["party hat"]).any(1)
    print(f"{place}: {silent.sum():,} captions without a word of hats, {hats.sum()} party hats")
assert hats.sum() == 0

# %% [markdown]
# <details><summary>What happened</summary>
#
# At the beach there are some, unsaid. At night there is none, because party hats at night are held out. A good student notices: *nothing said about hats, and night, so no party hat*. Then silence is a word that contradicts the wish, and in a trial, a network taught that way failed at just these pairs. Ours was told everything about a picture, or nothing at all; so no word ever had to be guessed from the others.
# </details>
#
# ### Break it: leave words blank
#
# Everything, or nothing at all. So let's tell our best network *something*.
#
# **Predict.** "Orange cat, party hat, beach" with all six words; then we take away one more word each time, until none is left. What gets lost first?

# %%
words = ["cat", "orange", "no sunglasses", "party hat", "no skateboard", "beach"]
told = torch.tensor([[number[word] for word in words]] * 7)
for taken, place in enumerate((2, 4, 3, 1, 5, 0), start=1):
    told[taken:, place] = 0
half_told = [paint(shipped, row.expand(2, -1), generate.initial_noise(2, seed=6)) for row in told]
figures.pictures(
    [pictures[k] for k in (0, 1) for pictures in half_told],
    "Two kinds of static, and fewer words from left to right. All six: fine. Five to one: grain, "
    "and glaring colours. None: calm again, but with no word anybody may come.",
    columns=7,
    titles=["six words", "5: eyes?", "4: feet?", "3: hat?", "2: colour?", "1: where?", "no word"],
    inches=1.28,
)

# %%
clean = datasets.load_critters(200, seed=1).x0
grain = [metrics.high_frequency_power(x, clean) for x in half_told]
print("finest detail, real pictures 1:", *[f"{g:.0f}" if g > 1.5 else f"{g:.1f}" for g in grain])
assert min(grain[1:6]) > 1.5 and max(grain) > 3 and grain[0] < 1.4 and grain[6] < 1.4

# %% [markdown]
# <details><summary>What happened</summary>
#
# It breaks at the first word. No animal in training ever had a blank in its row (only “nobody” has one, where the colour would be). So such a sum lies where no training picture ever was, half-way between "told" and "not told", and guidance blows the confusion up. With no word at all it is at home again. So a blank is not the same as "leave it open", and a network is only good at what it has met.
# </details>
#
# ### Why words are hidden in training
#
# Guidance needs the answer without words. It must have been trained.
#
# ### Exercise: `drop_words`
# `cond` has a row of six word numbers for each picture. With chance p, hide *all* words of a picture: its row becomes 0. Each picture has its own die, from `generator`; `torch.rand(n, 1, generator=generator)` throws n of them.


# %%
def drop_words(cond, p, generator):
    raise NotImplementedError


# %%
drop_words = checks.drop_words(drop_words)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def drop_words(cond, p, generator):
#     hidden = torch.rand(len(cond), 1, generator=generator) < p
#     return cond.masked_fill(hidden, 0)
# ```
# </details>

# %%
dice = torch.Generator().manual_seed(0)
hidden = (torch.as_tensor(drop_words(drawn.cond, 0.1, dice)) == 0).all(1)
print(f"words hidden in {hidden.float().mean():.0%} of the pictures")
assert 0.09 < hidden.float().mean() < 0.11

# %% [markdown]
# Two small networks, the same pictures in the same order. One has its words hidden in a tenth of the cases, the other never.
#
# **Predict.** Which has the lower loss when it is told the words? And when it isn't?

# %% tags=["nbval-ignore-output"]
from diffusion_lessons import forward

small = {}
for drop in (0.1, 0.0):
    torch.manual_seed(0)
    raw = UNet(widths=(16, 32, 64), vocabulary=len(world.VOCABULARY))
    small[drop] = make_ema(raw)
    lesson = train(
        raw, (drawn.x0, drawn.cond), schedule, pictures=12_800, ema=small[drop], drop=drop
    )
    for _ in tqdm(lesson, total=200, desc=f"hidden {drop:.0%}", leave=False):
        pass


# %% tags=["nbval-ignore-output"]
def loss_when(model, cond, t=800):
    eps = torch.randn(new.x0.shape, generator=torch.Generator().manual_seed(t))
    x_t, v = (mix(schedule, new.x0, t, eps) for mix in (forward.add_noise, forward.velocity))
    with torch.no_grad():
        return float((model(x_t, torch.tensor([t]), cond) - v).square().mean())


losses, found = {}, {}
for drop, net in small.items():
    losses[drop] = loss_when(net, new.cond), loss_when(net, None)
    x = [paint(net, new.cond, generate.initial_noise(64, seed=7), w) for w in (1, 5)]
    plain, guided = (prompt_accuracy(some, new.said, judge) for some in x)
    found[drop] = float((x[1].abs() > 1).float().mean())
    print(
        f"hidden {drop:3.0%}: loss with words {losses[drop][0]:.2f}, without {losses[drop][1]:.2f}"
    )
    print(f"   right at w = 1: {plain:.0%}, at w = 5: {guided:.0%}, clipped {found[drop]:.0%}")
assert 2 > losses[0.0][1] / losses[0.1][1] > 1.25 and losses[0.0][0] < 1.05 * losses[0.1][0]
assert found[0.0] > 1.3 * found[0.1]

# %% [markdown]
# <details><summary>What happened</summary>
#
# Told the words, the two hardly differ. Told nothing, the one that always heard words is lost: its loss is about one and a half times as high. Then "what the words change" is a difference to nonsense, and guidance by it leads astray: most values are clipped, and no more wishes come true than without (these small networks, after ten seconds, are poor either way). A tenth of the pictures is a low price. (A well-known course pays it, and then never uses guidance.)
# </details>
#
# ### No hat, please
#
# There are three ways to say what you don't want. *Ours*: dice never choose it, and the row says "no hat". *The usual one*, where "no hat" is no word: leave the place blank, and put what you don't want in place of the null, so that guidance moves away from it. *Nothing*: leave it blank.
#
# **Predict.** 32 cats each, shipped network. How many without a hat? And how many otherwise as they should be?

# %% tags=["nbval-ignore-output"]
hatless = generate.sample_conditions(prompts.parse("a cat without a hat"), 32, seed=8)
no_hat = hatless == number["no hat"]
unsaid = hatless.masked_fill(no_hat, 0)
ways = {
    "the row says no hat": (hatless, None),
    "blank, null is “top hat”": (unsaid, prompts.cond(prompts.parse("top hat").tokens, 32)),
    "blank, null is the row with a top hat": (
        unsaid,
        hatless.masked_fill(no_hat, number["top hat"]),
    ),
    "blank": (unsaid, None),
}
static, without_hat = generate.initial_noise(32, seed=8), {}
for name, (cond, null) in ways.items():
    x = paint(shipped, cond, static, null=null)
    bare, rest = (prompt_accuracy(x, c, judge) for c in (hatless * no_hat, unsaid))
    without_hat[name] = x
    print(f"{name:38} no hat {bare:4.0%}, all else right {rest:4.0%}")
    assert bare > 0.95 if cond is hatless else rest < 0.95

# %%
figures.pictures(
    [picture for x in without_hat.values() for picture in x[:6]],
    "Six cats for each way, from the same static. They are best where the row says “no hat”; a blank "
    "brings glaring colours and traces of hats, and with the row and a hat as the null two have no cat.",
    columns=6,
    labels=["“no hat”", "null: top hat", "null: row + hat", "blank"],
    inches=1.28,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# A word for "not" wins, since it was trained. The other ways all break at the blank, which our network never learned to read: many of their pictures show nobody, or wreckage, and so no hat. So this is no fair test of moving away. Large models, whose captions seldom say what is missing, have no word for "not", learn to read blanks, and take the second way.
# </details>
#
# ### Same static, other words
#
# **Predict.** One word is changed at a time, the static stays. How much of the picture stays?

# %%
wish = "orange cat, party hat, beach, no sunglasses, no skateboard"
start = generate.sample_conditions(prompts.parse(wish), 1, seed=0)
changes = {"cat": "dog", "orange": "blue", "party hat": "top hat", "beach": "mountains"}
told = [
    torch.where(start == number[before], number[after], start) for before, after in changes.items()
]
told = torch.cat([start, *told])
same_static = []
for seed in (0, 1):
    static = generate.initial_noise(3, seed)[2:].expand(len(told), -1, -1, -1)
    same_static.append(paint(shipped, told, static))
figures.pictures(
    [picture for x in same_static for picture in x],
    "Two kinds of static, one in each row. From the second column on, one word differs from the "
    "first: the critter nearly keeps its place and size, and what was not named hardly changes. "
    "(The blue cat above has its tail on the other side.)",
    columns=5,
    titles=["start", *changes.values()],
    inches=1.28,
)

# %%
moved = sum((x[1:] - x[:1]).square().mean((1, 2, 3)).sqrt() for x in same_static) / 2
for (before, after), far in zip(changes.items(), moved, strict=True):
    print(f"{before:9} → {after:9}  the picture moves by {far:.1f}")
assert moved[1] > moved[2] and moved[3] > moved[2]

# %% [markdown]
# <details><summary>What happened</summary>
#
# Static decides most of what words leave open: where it stands, how large it is, which way it looks. Words decide the rest, and shift a little of the static's part. A new colour changes most of the picture, a new place less. Another hat is a few pixels, and yet it moves the picture about as much as another animal, since everything else shifts a little with it.
# </details>

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Go further

# %% [markdown]
# ### What a sum can't say
#
# **Predict.** "A black cat with a white hat", and "a white cat with a black hat". What becomes of each?

# %%
for wish in ("a black cat with a white top hat", "a white cat with a black top hat"):
    read = prompts.parse(wish)
    print(", ".join(prompts.words(read.tokens)), "|", *read.notes)
row = generate.sample_conditions(read, 1, seed=0)[0]
forwards, backwards = (shipped.words(some).sum(0) for some in (row, row.flip(0)))
print(f"the six words in another order: sums differ by {(forwards - backwards).abs().max():.3f}")
assert torch.allclose(forwards, backwards, atol=1e-4)

# %% [markdown]
# A sum has no order: "a cat on a skateboard" and "a skateboard on a cat" are one. Nor does it know what belongs to what. So our reader gives a hat no colour, and says so. What if we insist, and add both colours?

# %%
rest = [number[w] for w in ("cat", "top hat", "no sunglasses", "no skateboard", "plain")]
black, white = number["black"], number["white"]
wanted = torch.tensor([[*rest, black, 0], [*rest, white, 0], [*rest, black, white]])
each = [paint(shipped, row.expand(6, -1), generate.initial_noise(6, seed=9)) for row in wanted]
figures.pictures(
    [picture for x in each for picture in x],
    "A cat with a top hat, black, white, and both at once. Both is no black cat with a white hat, "
    "but a mottled grey cat, mostly on a glaring ground.",
    columns=6,
    labels=["black", "white", "both"],
    inches=1.28,
)

# %% [markdown]
# Larger models don't add up. They keep a vector for *each* word, in order, made by a network that reads the whole sentence, so that "black" next to "cat" is another vector than "black" next to "hat". And every place in the picture may look at every word (*cross-attention*) and take from it what it needs. Even so, which colour goes where is what they most often get wrong.
#
# ### Between two words
#
# Vectors can do what words can't: something in between. Replace e(cat) by a mixture of e(cat) and e(frog).
#
# **Predict.** What is half a cat and half a frog?


# %%
half_way = checkpoints.load()
cat, frog = shipped.words.weight[[number["cat"], number["frog"]]]
told = generate.sample_conditions(
    prompts.parse("orange cat, plain background, no hat"), 1, seed=0
).expand(4, -1)


def mixed(share):
    half_way.words.weight[number["cat"]] = (1 - share) * cat + share * frog
    return paint(half_way, told, generate.initial_noise(4, seed=10))


shares = (0, 0.25, 0.5, 0.75, 1)
between = {share: mixed(share) for share in shares}
figures.pictures(
    [between[share][k] for k in range(4) for share in shares],
    "From cat to frog, left to right, each row from one static. In between are creatures that no "
    "one drew: ears that shrink, eyes that rise, a mouth that grows.",
    columns=5,
    titles=["cat", "¼ frog", "½", "¾", "frog"],
    inches=1.28,
)

# %% [markdown]
# **Move the slider.** Beyond 0 and 1 there are words that nobody has: more frog than a frog. Does it stop being a creature anywhere?


# %% tags=["nbval-ignore-output"]
beyond = {k / 5: mixed(k / 5) for k in tqdm(range(-5, 11), leave=False)}


def show_mixture(share):
    where = "between the two" if 0 <= share <= 1 else "beyond either"
    return live.View(beyond[share], f"{share:.0%} of the way from cat to frog: {where}.")


live.Explorer(
    show_mixture,
    "Twice as far as the frog: four creatures of a word that nobody has. In JupyterLab a slider "
    "stands above, from one cat before the cat to one frog beyond the frog.",
    controls={"cat → frog": list(beyond)},
    start=[2.0],
    size=160,
)

# %% [markdown]
# ### Say it louder
#
# Your network left out the sunglasses too often. More guidance would turn up *all* words. In many programs you can turn up one, and write "(sunglasses:1.5)". At its simplest, that makes one vector longer.
#
# **Predict.** "A cat wearing sunglasses", by *your* network, and the vector of "sunglasses" 1, 1.5, 2 and 4 times as long. How often are there sunglasses? And how often a cat?

# %% tags=["nbval-ignore-output"]
import copy

loud, glasses = copy.deepcopy(mine), number["sunglasses"]
cool_cats, static = (
    generate.sample_conditions(cool_cat, 48, seed=5),
    generate.initial_noise(48, seed=5),
)
by_loudness = {}
for times in (1, 1.5, 2, 4):
    loud.words.weight[glasses] = times * mine.words.weight[glasses]
    by_loudness[f"{times:g} ×"] = paint(loud, cool_cats, static)
by_loudness["all things 1.4 ×"] = paint(generate.upweight_words(mine, 1.4), cool_cats, static)
wanted = [prompts.cond(prompts.parse(text).tokens, 48) for text in ("sunglasses", "cat")]
wanted.append(prompts.cond(cool_cat.tokens, 48))
found = {
    name: [prompt_accuracy(x, cond, judge) for cond in wanted] for name, x in by_loudness.items()
}
for name, (worn, cat_there, all_there) in found.items():
    print(f"{name:16} sunglasses {worn:4.0%}   a cat {cat_there:4.0%}   both {all_there:4.0%}")
quiet, louder, twice, loudest, all_louder = found.values()
assert loudest[0] > quiet[0] and loudest[1] < quiet[1] and all_louder[2] > quiet[2]
assert max(louder[2], twice[2]) > max(quiet[2], loudest[2])

# %% tags=["nbval-ignore-output"]
figures.pictures(
    [picture for x in by_loudness.values() for picture in x[:6]],
    "Six cats wearing sunglasses by your network, from the same static. Downwards the sunglasses "
    "are said louder, until some are no cats any more; at the bottom all things are, the cat too.",
    columns=6,
    labels=[*by_loudness],
    inches=1.28,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Said louder, the sunglasses come more often. Said four times as loud, they drown the cat: as with guidance, there is a best in between. The last row says *all* things louder, animals, hats, sunglasses and the skateboard, but not colours and places. That helps as well, for then the cat is not drowned. The command `train` does it to any network that saw fewer than 400,000 pictures, before it keeps it. (The shipped one saw 1.4 million, and section 4 says what it makes of cats with sunglasses.)
# </details>
#
# ### Your own test
#
# Choose a pair to withhold, two words of different kinds (`world.ATTRIBUTES` lists all), and train a network that never sees it. A few seconds of drawing the pictures, less than a minute of training.
#
# **Predict.** How often will it get your pair right, and how often its siblings? What makes a pair easy?

# %% tags=["nbval-ignore-output"]
PAIR = (("subject", "bear"), ("hat", "party hat"))  # change me

own_data = datasets.load_critters(8000, held_out=(PAIR,))
torch.manual_seed(1)
raw = UNet(widths=(32, 64, 128), vocabulary=len(world.VOCABULARY))
tester = make_ema(raw)
lesson = train(raw, (own_data.x0, own_data.cond), schedule, pictures=40_000, ema=tester)
for _ in tqdm(lesson, total=625, unit=" batches", mininterval=0.5):
    pass

# %% tags=["nbval-ignore-output"]
first, second = (world.VOCABULARY.index(word) + 1 for word in PAIR)
together = (own_data.cond == first).any(1) & (own_data.cond == second).any(1)
print(f"together in training: {together.sum()}")
others = [value for value in world.ATTRIBUTES[PAIR[0][0]] if value not in ("none", PAIR[0][1])]
shares = {value: score(tester, f"{value}, {PAIR[1][1]}") for value in (PAIR[0][1], *others[:3])}
for value, share in shares.items():
    print(f"{value} + {PAIR[1][1]}: {share:.0%}{'  (never seen)' if value == PAIR[0][1] else ''}")
assert not together.any()
assert PAIR[0][1] != "bear" or max(shares.values()) > 0.4  # the pair that the lesson came with

# %%
wish = prompts.parse(f"{PAIR[0][1]}, {PAIR[1][1]}")
figures.pictures(
    paint(tester, generate.sample_conditions(wish, 6, seed=5), generate.initial_noise(6, seed=5)),
    "Your withheld pair, six times, by a network that never saw it.",
    inches=1.28,
)

# %% [markdown]
# <details><summary>What happened</summary>
#
# With the default pair: at times, and less often than its siblings. What is hard is what is small, and what looks different on everybody (sunglasses sit where the eyes are, and a frog's are far up). The more *ways* a thing has been seen, the better it can be put together anew: in an early version of our critters all were of one size, and new pairs came out far worse. Train longer, and the gap closes, as for the shipped network.
# </details>

# %% [markdown]
# ## What you now know

# %%
checks.mine()

# %% [markdown]
# **Three sentences.** A wish becomes numbers, numbers become vectors, and their sum turns the network's knobs. Guidance takes more of what the words change, and too much of it makes pictures glaring and in the end wrong. A network that has learned words apart can put them together as it never saw them, and whether it can is a thing to be counted, not believed.
#
# **Try this.** In a terminal, in the folder of the course: `.venv/bin/python -m diffusion_lessons draw "a blue fox on a skateboard at night" --guidance 3` (with conda it begins with `python`) draws with the shipped network; add `--out fox.gif` for the film.
#
# **Where it lives now.** `sampling.guided` is your `guide` around a network, `train.train(drop=0.1)` your `drop_words`; `prompts.parse` reads, `generate.sample_conditions` throws the dice, and `UNet.context` in `diffusion_lessons/unet.py` adds up the vectors.
#
# **What we hid.** Our words are few, and each is about one thing; real language is not. Guidance is no rule of probability: it draws from a sharper distribution than the one that was learned, and nobody can say exactly which. Where the course draws for you (in the boxes, and in `wishes`), words are turned up only between t = 100 and 920: earlier it would cost variety, later it would add grain (Kynkäänniemi and others, 2024). And the judge is a network too: it hardly ever errs on fresh pictures, but a rough drawing may fool it.
