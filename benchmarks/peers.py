"""The others, each as its authors set it up for small pictures, and as good as we could make it.

A peer trains with its own network, loss, optimiser and average, and draws with its own samplers.
To add one: a class that builds ``parts`` and ``optimiser``, has a ``setting`` and fills in
``loss``, ``draw`` and ``draw_fully``, and a line in `PEERS`; for another library also its name in
`quality.PACKAGES` and in the extra ``peers`` of pyproject.toml. The tests then train it, draw with
it and restore it.
"""

from __future__ import annotations

import copy
import sys
import time
import types
from collections.abc import Callable

import torch
from torch import Tensor, nn

SIZE = 32


class Peer:
    """One library at one setting. Pictures are floats (B, 3, 32, 32) in [−1, 1].

    The random numbers of training and drawing are PyTorch's global ones, as in the libraries.
    """

    setting = ""  # in words, for the results page
    batch = 64  # pictures a step
    clip: float | None = None  # the longest gradient that is not shortened
    decays = False  # is it trained anew for each span of time, with our schedule of the rate?
    narrow = False  # does it train in bfloat16? `choose_format` finds out whether that is faster
    # Everything with weights, so that a run can go on: "network", which is trained, and averages.
    parts: dict[str, nn.Module]
    optimiser: torch.optim.Optimizer  # of the weights in "network"

    def loss(self, x0: Tensor) -> Tensor:
        """The loss of one batch."""
        raise NotImplementedError

    def after_step(self) -> None:
        """What follows each step of the optimiser: the running average."""

    def draw(self, n: int) -> Tensor:
        """n pictures by the library's fast sampler."""
        raise NotImplementedError

    def draw_fully(self, n: int) -> Tensor:
        """n pictures by its sampler of about 1,000 steps."""
        raise NotImplementedError

    def advance(self, x0: Tensor, rate: float = 1.0) -> None:
        """One step of training on one batch, at this share of the full rate."""
        for group in self.optimiser.param_groups:
            group.setdefault("full", group["lr"])
            group["lr"] = group["full"] * rate
        network = self.parts["network"].train()
        self.optimiser.zero_grad(set_to_none=True)
        self._backward(x0)
        if self.clip is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self.clip)
        self.optimiser.step()
        self.after_step()

    def choose_format(self, x0: Tensor, clock: Callable[[], float] = time.process_time) -> None:
        """Take bfloat16 if it is faster here for this network, by the best of two after a first."""
        seconds: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(3):
            for self.narrow in seconds:
                start = clock()
                self._backward(x0)
                seconds[self.narrow].append(clock() - start)
        self.narrow = min(seconds[True][1:]) < min(seconds[False][1:])

    def _backward(self, x0: Tensor) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.narrow):
            loss = self.loss(x0)
        loss.backward()


class Average:
    """The running average of torch_ema, which smalldiffusion's examples use; also diffusers' form.

    After step n: mean ← k · mean + (1 − k) · weight with k = min(decay, (1 + n) / (10 + n)).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay = network, decay
        self.mean = copy.deepcopy(network).eval().requires_grad_(False)
        self.mean.register_buffer("updates", torch.tensor(0))

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        self.mean.updates += 1
        n = int(self.mean.updates)
        keep = min(self.decay, (1 + n) / (10 + n))
        for mean, weight in zip(self.mean.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(weight, 1 - keep)


# --------------------------------------------------------------------- denoising-diffusion-pytorch


class DenoisingDiffusion(Peer):
    """``denoising-diffusion-pytorch``: Unet, GaussianDiffusion and what its Trainer does.

    Its defaults stay: velocity as target, the sigmoid schedule, DDIM with η = 0. Its Trainer's
    average begins after 100 steps and follows slowly, for there are 700,000. Here, where there are
    a few hundred, it lags behind: after 200 steps with 16 pixels and dim 16 the loss was .338 with
    it and .297 without. So the network draws as it is.
    """

    setting = (
        "README and Trainer: dim 64, multiples 1-2-4-8, its sigmoid schedule, velocity as target, "
        "batch 32, Adam 8e-5, gradient clipped at 1; without its slow average, not accumulated "
        "over 2 batches; DDIM in 24 steps (there 250)"
    )
    batch, clip = 32, 1.0
    dim, multiples, heads, rate, fast = 64, (1, 2, 4, 8), 4, 8e-5, 24

    def __init__(self) -> None:
        from denoising_diffusion_pytorch import GaussianDiffusion, Unet

        network = Unet(dim=self.dim, dim_mults=self.multiples, attn_heads=self.heads)
        diffusion = GaussianDiffusion(self.laid_out(network), image_size=SIZE, timesteps=1000)
        self.parts = {"network": diffusion}
        self.optimiser = torch.optim.Adam(diffusion.parameters(), lr=self.rate, betas=(0.9, 0.99))

    def laid_out(self, network: nn.Module) -> nn.Module:
        return network

    def loss(self, x0: Tensor) -> Tensor:
        return self.parts["network"]((x0 + 1) / 2)

    def draws_with(self) -> nn.Module:
        return self.parts["network"]

    def draw(self, n: int) -> Tensor:
        return self._drawn(n, self.fast)

    def draw_fully(self, n: int) -> Tensor:
        return self._drawn(n, 1000)

    def _drawn(self, n: int, steps: int) -> Tensor:
        diffusion = self.draws_with().eval()
        diffusion.sampling_timesteps = steps
        diffusion.is_ddim_sampling = steps < diffusion.num_timesteps
        return diffusion.sample(batch_size=n) * 2 - 1


class DenoisingDiffusion32(DenoisingDiffusion):
    """Half as wide as in its README."""

    setting = "half the README's width: dim 32, all else as dim 64"
    dim = 32


class DenoisingDiffusionTuned(DenoisingDiffusion):
    """What we found best for it on one core."""

    setting = (
        "dim 24, multiples 1-2-4, 1 head of attention instead of 4, channels last, batch 32, "
        "Adam 1e-3 falling to 0 as ours does, average from the start; "
        "DDIM in 24 steps"
    )
    dim, multiples, heads, rate, decays = 24, (1, 2, 4), 1, 1e-3, True

    def __init__(self) -> None:
        from ema_pytorch import EMA

        super().__init__()
        self.average = EMA(
            self.parts["network"], include_online_model=False, beta=0.995, update_every=1,
            update_after_step=0,
        )  # fmt: skip
        self.parts["average"] = self.average

    def laid_out(self, network: nn.Module) -> nn.Module:
        return network.to(memory_format=torch.channels_last)

    def after_step(self) -> None:
        self.average.update()

    def draws_with(self) -> nn.Module:
        return self.average.ema_model


# --------------------------------------------------------------------------------------- diffusers


class Diffusers(Peer):
    """``diffusers``: UNet2DModel as in unit 1 of the Hugging Face course on diffusion models."""

    setting = (
        "HF course, unit 1: widths 64-128-128-256, 2 layers, attention at 8 and 4 pixels, batch "
        "64, AdamW 4e-4, cosine schedule, noise as target, no average; DPM-Solver++ in 24 steps, "
        "guesses clipped as the course's own sampler does"
    )
    rate, target, fast = 4e-4, "epsilon", 24

    def __init__(self) -> None:
        from diffusers import DDPMScheduler

        self.scheduler = DDPMScheduler(
            num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2",
            prediction_type=self.target,
        )  # fmt: skip
        network = self.network()
        self.parts = {"network": network}
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)

    def network(self) -> nn.Module:
        from diffusers import UNet2DModel

        return UNet2DModel(
            sample_size=SIZE, in_channels=3, out_channels=3, layers_per_block=2,
            block_out_channels=(64, 128, 128, 256),
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        )  # fmt: skip

    def loss(self, x0: Tensor) -> Tensor:
        noise = torch.randn_like(x0)
        t = torch.randint(0, self.scheduler.config.num_train_timesteps, (len(x0),))
        noisy = self.scheduler.add_noise(x0, noise, t)
        answer = self.parts["network"](noisy, t, return_dict=False)[0]
        wanted = noise
        if self.target == "v_prediction":
            wanted = self.scheduler.get_velocity(x0, noise, t)
        return nn.functional.mse_loss(answer, wanted)

    def draws_with(self) -> nn.Module:
        return self.parts["network"]

    def draw(self, n: int) -> Tensor:
        from diffusers import DPMSolverMultistepScheduler

        # The last levels of the cosine schedule are so dark that a guess of the noise blows up
        # there: its documentation asks for this bound, and clips x̂₀ as DDPMScheduler does.
        fast = DPMSolverMultistepScheduler.from_config(
            self.scheduler.config, lambda_min_clipped=-5.1, thresholding=True
        )
        return self._drawn(n, fast, self.fast)

    def draw_fully(self, n: int) -> Tensor:
        return self._drawn(n, self.scheduler, 1000)

    @torch.no_grad()
    def _drawn(self, n: int, scheduler, steps: int) -> Tensor:
        network = self.draws_with().eval()
        scheduler.set_timesteps(steps)
        x = torch.randn(n, 3, SIZE, SIZE) * scheduler.init_noise_sigma
        for t in scheduler.timesteps:
            answer = network(scheduler.scale_model_input(x, t), t, return_dict=False)[0]
            x = scheduler.step(answer, t, x, return_dict=False)[0]
        return x


class DiffusersTuned(Diffusers):
    """What we found best for it on one core."""

    setting = (
        "widths 32-32-64-128, 1 layer, attention in the middle, channels last, batch 64, "
        "AdamW 2e-3 falling to 0 as ours does, cosine schedule, velocity as "
        "target, average .999 with warm-up; DPM-Solver++ in 24 steps"
    )
    rate, target, decays = 2e-3, "v_prediction", True

    def __init__(self) -> None:
        super().__init__()
        self.average = Average(self.parts["network"], 0.999)
        self.parts["average"] = self.average.mean

    def network(self) -> nn.Module:
        from diffusers import UNet2DModel

        return UNet2DModel(
            sample_size=SIZE, in_channels=3, out_channels=3, layers_per_block=1,
            block_out_channels=(32, 32, 64, 128), norm_num_groups=8, attention_head_dim=32,
            down_block_types=("DownBlock2D",) * 4, up_block_types=("UpBlock2D",) * 4,
        ).to(memory_format=torch.channels_last)  # fmt: skip

    def after_step(self) -> None:
        self.average.update()

    def draws_with(self) -> nn.Module:
        return self.average.mean


# ----------------------------------------------------------------------------------- smalldiffusion


class SmallDiffusion(Peer):
    """``smalldiffusion``: its networks, `get_loss` and `samples`, as in its examples."""

    rate, decay, darkest = 7e-4, 0.999, 20

    def __init__(self) -> None:
        network = self.network()
        self.average = Average(network, self.decay)
        self.parts = {"network": network, "average": self.average.mean}
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate)
        self.schedule = self.noise()

    def network(self) -> nn.Module:
        raise NotImplementedError

    def noise(self):
        from smalldiffusion import ScheduleLogLinear

        return ScheduleLogLinear(sigma_min=0.01, sigma_max=self.darkest, N=800)

    def loss(self, x0: Tensor) -> Tensor:
        from smalldiffusion import generate_train_sample

        x0, sigma, eps, cond = generate_train_sample(x0, self.schedule)
        return self.parts["network"].get_loss(x0, sigma, eps, cond=cond)

    def after_step(self) -> None:
        self.average.update()

    def draw(self, n: int) -> Tensor:
        return self._drawn(n, 20, gam=1.6)

    def draw_fully(self, n: int) -> Tensor:
        return self._drawn(n, len(self.schedule), gam=1, mu=0.5)

    def _drawn(self, n: int, steps: int, **how: float) -> Tensor:
        from smalldiffusion import samples

        *_, x0 = samples(
            self.average.mean, self.schedule.sample_sigmas(steps), batchsize=n, **how
        )  # fmt: skip
        return x0


class SmallUnet(SmallDiffusion):
    """Its U-Net as in its example for Fashion-MNIST, with colours."""

    setting = (
        "example fashion_mnist_unet (that for CIFAR has eight times as many weights): widths "
        "64-64-128, attention at 16 pixels, dropout .1, AdamW 7e-4, average .999, but batch 64 "
        "(there 1,024 on a GPU: here a handful of steps); its sampler in 20 steps, gam 1.6"
    )

    def network(self) -> nn.Module:
        from smalldiffusion import Scaled, Unet

        return Scaled(Unet)(SIZE, 3, 3, ch=64, ch_mult=(1, 1, 2), attn_resolutions=(16,))


class SmallUnetTuned(SmallDiffusion):
    """What we found best for it on one core."""

    setting = (
        "widths 32-32-64-128, 1 block, attention in the middle, norms in 8 groups instead of 32, "
        "no dropout, channels last, velocity as target, log-linear schedule from .01 to 50, AdamW "
        "2e-3 falling to 0 as ours does, average .999, batch 64; its sampler in 20 steps, gam 1.6"
    )
    rate, decays, darkest = 2e-3, True, 50

    def network(self) -> nn.Module:
        from smalldiffusion import PredV, Scaled, Unet, model_unet

        # The library knows norms in 32 groups only, which of 32 channels are groups of one.
        normalize, model_unet.Normalize = model_unet.Normalize, lambda ch: nn.GroupNorm(8, ch, 1e-6)
        try:
            network = Scaled(PredV(Unet))(
                SIZE, 3, 3, ch=32, ch_mult=(1, 1, 2, 4), num_res_blocks=1, attn_resolutions=(),
                dropout=0,
            )  # fmt: skip
        finally:
            model_unet.Normalize = normalize
        return network.to(memory_format=torch.channels_last)


class SmallTransformer(SmallDiffusion):
    """Its DiT as in its example for Fashion-MNIST, with colours."""

    setting = (
        "example fashion_mnist_dit: patches of 2, 6 layers, 6 heads of 32, AdamW 1e-3, average "
        ".99, DDPM schedule, but batch 64 (there 1,024); its sampler in 20 steps, gam 1.6"
    )
    rate, decay = 1e-3, 0.99

    def noise(self):
        from smalldiffusion import ScheduleDDPM

        return ScheduleDDPM(beta_start=0.0001, beta_end=0.02, N=1000)

    def network(self) -> nn.Module:
        from smalldiffusion import DiT

        return DiT(
            in_dim=SIZE, channels=3, patch_size=2, depth=6, head_dim=32, num_heads=6, mlp_ratio=4.0
        )


class SmallTransformerTuned(SmallDiffusion):
    """What we found best for it on one core."""

    setting = (
        "patches of 4, 6 layers, 6 heads of 32, velocity as target, scaled input, log-linear "
        "schedule from .01 to 50, AdamW 2e-3 falling to 0 as ours "
        "does, average .999, batch 64; its sampler in 20 steps, gam 1.6"
    )
    rate, decays, darkest = 2e-3, True, 50

    def network(self) -> nn.Module:
        from smalldiffusion import DiT, PredV, Scaled

        return Scaled(PredV(DiT))(
            in_dim=SIZE, channels=3, patch_size=4, depth=6, head_dim=32, num_heads=6, mlp_ratio=4.0
        )


PEERS: dict[str, type[Peer]] = {
    "denoising-diffusion-pytorch, dim 64": DenoisingDiffusion,
    "denoising-diffusion-pytorch, dim 32": DenoisingDiffusion32,
    "denoising-diffusion-pytorch, tuned": DenoisingDiffusionTuned,
    "diffusers, HF course": Diffusers,
    "diffusers, tuned": DiffusersTuned,
    "smalldiffusion U-Net": SmallUnet,
    "smalldiffusion U-Net, tuned": SmallUnetTuned,
    "smalldiffusion DiT": SmallTransformer,
    "smalldiffusion DiT, tuned": SmallTransformerTuned,
}


# ---------------------------------------------------------------------------- a missing torchvision


class _Absent(type):
    """Stands for everything in a package: each attribute, call and base class is again this."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing


class Nothing(metaclass=_Absent):
    """What `without_torchvision` puts in the place of everything that torchvision holds."""

    def __init__(self, *_: object, **__: object) -> None:
        pass


def without_torchvision() -> None:
    """Let the peers be imported where torchvision does not fit the installed torch.

    They read files and score by Inception with it; neither happens here.
    """
    import importlib

    try:
        importlib.import_module("torchvision")
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        module = types.ModuleType("torchvision")
        module.__spec__ = importlib.machinery.ModuleSpec("torchvision", None)
        module.__getattr__ = lambda name: getattr(Nothing, name)
        sys.modules["torchvision"] = module
