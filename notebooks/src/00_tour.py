# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 · What are we going to build?
#
# A network that draws what you say. Type *a cat wearing sunglasses*, and one comes out of static, like the snow on an old television. Nobody drew it, and the network was never shown a cat with sunglasses. In the lessons after this one you build such a network, piece by piece, and train it on the computer in front of you, in about a minute.
#
# In this tour you
# - type wishes of your own and watch them develop;
# - look into the film, and turn the words up until it hurts;
# - find out whether your machine is fine, and see the map of the course.
#
# **10 minutes.** Click into a cell and press **Shift+Enter**, from top to bottom. You need not understand the code yet.

# %%
from diffusion_lessons import checkpoints, checks
from diffusion_lessons.course import figures, interactive, live
from diffusion_lessons.critters import generate, prompts

network = checkpoints.load()


# %%
def film_of(prompt, seed=0, guidance=2, count=4):
    """The film of some pictures, state by state, from static to finished."""
    words = generate.sample_conditions(prompts.parse(prompt), count, seed)
    yield from generate.trajectory(
        network, words, generate.initial_noise(count, seed), guidance=guidance, steps=16
    )


film = list(film_of("a cat wearing sunglasses"))
figures.film_strip(
    [(state.t, state.x_t[0], state.x0_hat[0]) for state in film[::2]],
    "A cat with sunglasses comes out of static, from left to right. Above, the picture that the "
    "network holds: static that clears. Below, what it believes lies under the static: a cat, "
    "blurred at first, then with every edge.",
)

# %% [markdown]
# If a cell stops with *No module named …*, the notebook runs in another Python than the course's: close JupyterLab, start it with `make lab` (or after `conda activate diffusion-lessons`), and open this again.
#
# ## Is your machine fine?
# This takes some seconds. A line that does not say *fine* says what to do.

# %% tags=["nbval-ignore-output"]
checks.machine()

# %% [markdown]
# ## Type a wish
#
# Run the cell, type into the box and press **Enter**. It takes four pictures of static and shows them while they clear. Under each stands what the network was told in the end: what you leave open, dice decide.
#
# It knows cats, dogs, rabbits, bears, foxes, frogs and cars; seven colours; sunglasses, two hats, a skateboard; and five places. *Other static* makes four other pictures.

# %% tags=["nbval-ignore-output"]
live.PromptBox(
    network,
    "a blue fox on a skateboard at night",
    "Four blue foxes on a skateboard at night, drawn out of static. In JupyterLab a box stands "
    "above them, for wishes of your own.",
)

# %% [markdown]
# ### Break it
# **Predict.** It has never heard of elephants, nor of purple. What does it draw for *three purple elephants*: nothing, purple static, or something else? Type it, or run the cell.

# %%
confused = prompts.parse("three purple elephants")
print(*confused.notes, sep="\n")
*_, last = film_of("three purple elephants")
figures.pictures(
    last.x_t, "Four pictures for “three purple elephants”: not an elephant among them.", inches=1.28
)

# %%
print(f"{len(confused.tokens)} words understood, {len(confused.notes)} notes")
assert not confused.tokens and len(confused.notes) == 3

# %% [markdown]
# <details><summary>What happened</summary>
#
# Something else: anything. Not one word got through, and so dice chose everything. It says so above the pictures, one note for each word. A network can only be told words that it learnt pictures for.
# </details>
#
# ## Look into the film
# The pictures came out step by step. At every step the network looks at what it *holds*, guesses the picture under the static, and goes a little towards its guess. The step is counted by t, which falls from 1000, only static, to 0, the picture.
#
# **Move the slider** from 0 to 16, or press *Play*. In which frame do *you* see a cat on the left? In which does the network, on the right?


# %% tags=["nbval-ignore-output"]
four_films = {
    f"number {k + 1}": [(state.t, state.x_t[k], state.x0_hat[k]) for state in film]
    for k in range(4)
}
interactive.film(
    four_films,
    "Seven frames of the film of one cat, what is held above, the guess below. In JupyterLab and in "
    "an exported page all frames of all four cats can be scrubbed and played.",
    choose="cat:",
    start=4,
)

# %% [markdown]
# It is like a Polaroid photo. Broad shading comes first, whiskers last. Lesson 05 shows what happens there, and lesson 06 where the cat comes from.
#
# ## Never seen
# The network learnt from 60,000 little pictures, which a program drew. Here are the first 20,000. (It draws them now if you are here for the first time: some ten seconds.)
#
# **Predict.** How many of them show a cat with sunglasses: about a hundred, exactly one, none?

# %% tags=["nbval-ignore-output"]
from diffusion_lessons.critters import datasets
from diffusion_lessons.critters.judge import classify, load_judge

drawn = datasets.load_critters(20_000)

# %%
cats, shades = drawn.attributes[:, 0] == 1, drawn.attributes[:, 2] == 1
print(f"cats {cats.sum():,}, sunglasses {shades.sum():,}, both {(cats & shades).sum()}")
assert not (cats & shades).any() and cats.sum() > 2000 and shades.sum() > 2000
figures.pictures(
    [*drawn.x0[cats][:4], *drawn.x0[shades][:4], *film[-1].x_t],
    "Upper row, four of the cats that it was shown. Middle row, four of the sunglasses that it was "
    "shown, on anybody but cats. Lower row, what it drew: both together.",
    columns=4,
    labels=["cats", "sunglasses", "drawn"],
    inches=1.28,
)

# %%
*_, last = film_of("a cat wearing sunglasses", count=64)
seen = classify(last.x_t, load_judge()).attributes
right = (seen[:, 0] == 1) & (seen[:, 2] == 1)
more = "more" if right.sum() > 57 else "less"
print(f"of 64 that it drew, {more} than nine in ten are cats with sunglasses")
assert right.sum() > 57

# %% [markdown]
# <details><summary>What happened</summary>
#
# None: cats with sunglasses were left out on purpose. It learnt what *cat* does to a picture, and what *sunglasses* do, and puts the two together. (Who counted? A second network, made to recognise what is in such pictures.) Lesson 07 puts this to the test, with a pair that you choose.
# </details>
#
# ## Louder words
# At every step the network guesses twice: with your words, and without any. The difference is what the words change. **Guidance** multiplies that difference: 0 is no words at all, 1 the words as they are; the pictures above were drawn with 2 to 2.5 (but with 1 in the first steps and the last, where more does no good).
#
# **Predict.** Same static, same words, guidance 0, 1, 2, 3, 5 and 8. Is more always better?

# %%
from diffusion_lessons import sampling, schedules

loudness, wish = (0, 1, 2, 3, 5, 8), "a green frog wearing sunglasses on a skateboard"
told = generate.sample_conditions(prompts.parse(wish), 4, seed=3)


def frogs_at(w):
    louder = sampling.guided(network, told, None, w)
    solver, static = sampling.dpm_solver_2m(), generate.initial_noise(4, seed=3)
    *_, last = sampling.sample(louder, schedules.cosine(), static, 16, step=solver)
    return last.x_t


frogs = {w: frogs_at(w) for w in loudness}
figures.pictures(
    [frogs[w][i] for i in range(4) for w in loudness],
    "The same wish from four pictures of static, one in each row. From left to right the words get "
    "louder: without them anybody turns up, or a muddle; then the frog comes; at last the colours "
    "glare, the walls turn pink, and outlines break up.",
    columns=6,
    titles=[f"guidance {w}" for w in loudness],
    inches=0.96,
)

# %%
burnt = {w: 100 * (x.abs() > 1).float().mean().item() for w, x in frogs.items()}
for w in loudness[1:]:
    print(f"guidance {w}: {burnt[w]:4.0f} % of the values too bright or too dark for a screen")
assert burnt[1] < 2 and burnt[8] > 4 and burnt[2] < burnt[3] < burnt[5] < burnt[8]

# %% [markdown]
# <details><summary>What happened</summary>
#
# No. A little more makes the words clear; too much overdoes them, like a caricature. Lesson 07 measures it.
# </details>
#
# **Move the slider.** Which guidance would you choose?


# %% tags=["nbval-ignore-output"]
interactive.guidance(
    {wish: frogs},
    {"% beyond the screen": {"values": [burnt[w] for w in loudness]}},
    "One of the four frogs at each guidance, from no words to far too loud. In JupyterLab and in an "
    "exported page a slider goes through all four.",
)

# %% [markdown]
# ## The map
# Each lesson has a core of 25 minutes (the toolbox 20); more is folded below it for those who want it. They build on each other, but each can be opened by itself.
#
# | lesson | question | what you do there |
# |---|---|---|
# | [00b Toolbox](00b_toolbox.ipynb) | What do I need to know? | a self-check of two minutes; arrays, spread, roots, a loop |
# | [01 Pixel noise](01_pixel_noise.ipynb) | What is noise? | take a photo of a cat apart into numbers, and dust it |
# | [02 Noise schedule](02_noise_schedule.ipynb) | How fast should the picture go? | decide how a picture fades into static |
# | [03 Predicting noise](03_predicting_noise.ipynb) | How can a network predict something random? | turn static into pictures before anything is trained |
# | [04 Training](04_training.ipynb) | What does training look like? | train a network of your own, and watch it learn |
# | [05 Reverse sampling](05_reverse_sampling.ipynb) | How does static become a picture? | write the step back, and the loop around it |
# | [06 Why start with noise?](06_why_start_with_noise.ipynb) | Where does the picture come from? | start from white, from black, from a photo |
# | [07 Prompts](07_prompts.ipynb) | How do words steer it? | give your network words, and a pair that it never saw |
# | [08 Is it new?](08_is_it_new.ipynb) | Does it copy or create? | vote for the better artist, then see what it copied from |
#
# **For teachers.** Show this tour on the projector and let the class call out wishes; take a show of hands at every *Predict* before you run the cell. Then one lesson makes a school period: the core together or in pairs, with its exercise, which checks itself and goes on whatever is written; *Prove it* and *Go further* are for the quick and for home. Set the laptops up beforehand and run *Is your machine fine?* on each: from then on no internet is needed.
#
# ## What you now know
#
# **Three sentences.** A picture is drawn by clearing static in small steps, each towards what the network guesses lies under it. Words steer the guess, and guidance says how hard. A network that learnt cats and sunglasses apart can put them together.
#
# **Try this.** In a terminal, in the folder of the course: `.venv/bin/python -m diffusion_lessons draw "a cat wearing sunglasses" --out cats.gif` (with conda it begins with `python`) draws these cats and four more, in more steps and with a little more guidance, and makes a film of it.
#
# **Where it lives.** `prompts.parse` reads the words, `generate` throws the dice and makes the static, `sampling.sample` is the loop, `checkpoints.load` the network.
#
# **What we hid.** These are small pictures of a small world, 27 words in all. The large models that draw anything work by the same steps, with hundreds or thousands of times the weights. And this network is one trained for half an hour; yours, trained for a minute in lesson 04, will be rougher.
