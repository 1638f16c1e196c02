"""The network that is shipped: a sample of the scores that stand beside it."""

import json

import numpy as np
import pytest
import scipy.stats
import torch

from diffusion_lessons import checkpoints, forward, sampling, schedules
from diffusion_lessons.critters import datasets, generate, prompts, world
from diffusion_lessons.critters.judge import SHIPPED, classify, load_judge, words_found
from diffusion_lessons.critters.words import word_ids

CARD = json.loads(checkpoints.SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def network():
    return checkpoints.load()


def share_right(network, said, seed):
    cond = datasets.spell_out(said, np.random.default_rng(seed))
    films = generate.sample_batches(
        network, cond, generate.initial_noise(len(said), seed), batch=48
    )
    drawn = torch.cat([film[-1].x_t for film in films])
    found = words_found(classify(drawn, load_judge()).attributes, said)
    return float(found.float().mean())


@pytest.mark.slow
def test_what_it_draws_is_as_right_as_its_card_says(network, tmp_path):
    scores = CARD["scores"]
    assert (scores["guidance"], scores["steps"]) == (generate.GUIDANCE, generate.STEPS)
    seen = datasets.load_critters(96, seed=11, folder=tmp_path).caption_ids
    assert abs(share_right(network, seen, 1) - scores["seen_accuracy"]) < 0.05
    pairs = torch.tensor([word_ids(dict(pair)) for pair in world.HELD_OUT for _ in range(16)])
    assert abs(share_right(network, pairs, 2) - scores["held_out_accuracy"]) < 0.06


def test_a_cat_wearing_sunglasses(network):
    wish = prompts.parse("draw a cat wearing sunglasses, without a hat")
    assert not wish.notes
    cond = generate.sample_conditions(wish, 16, seed=0)
    (film,) = generate.sample_batches(network, cond, generate.initial_noise(16, 0), batch=16)
    seen = classify(film[-1].x_t, load_judge()).attributes
    shown = [world.values(row) for row in seen.tolist()]
    right = [
        (a["subject"], a["sunglasses"], a["hat"]) == ("cat", "sunglasses", "none") for a in shown
    ]
    assert sum(right) >= 14
    assert len({a["color"] for a in shown}) > 3, "what is not said should vary"


@pytest.mark.slow
def test_nothing_that_is_held_out_was_in_its_training_set():
    drawn = datasets.load_critters()
    for pair in world.HELD_OUT:
        words = [world.VOCABULARY.index(word) + 1 for word in pair]
        assert not torch.stack([(drawn.cond == word).any(1) for word in words]).all(0).any()
    # On the pixels too, but for the errors of the judge: how often it errs stands beside it.
    card = json.loads(SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))
    errors = 1 - card["scores"]["all_right"]
    seen = classify(drawn.x0, load_judge()).attributes
    named = [set(world.values(row).items()) for row in seen.tolist()]
    found = sum(any(set(pair) <= shown for pair in world.HELD_OUT) for shown in named)
    assert found <= scipy.stats.poisson.ppf(0.999, errors * len(named))


def test_the_first_guess_without_words_is_the_average_picture(network):
    mean = datasets.load_critters().x0.mean(0)
    x_T, t = generate.initial_noise(64, 0), torch.full((64,), 1000)
    schedule = schedules.cosine()
    guess = forward.prediction(schedule, x_T, t, network(x_T, t), network.target).x0_hat
    assert float((guess - mean).square().mean((1, 2, 3)).sqrt().max()) < 0.05


def test_guidance_one_is_the_network_and_zero_is_the_one_without_words(network):
    x_t = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    t, cond = torch.tensor([500, 500]), torch.tensor([word_ids({"subject": "fox"})] * 2)
    for scale, expected in ((1, network(x_t, t, cond)), (0, network(x_t, t))):
        guided = sampling.guided(network, cond, None, scale)
        torch.testing.assert_close(guided(x_t, t), expected, rtol=1e-4, atol=1e-5)
