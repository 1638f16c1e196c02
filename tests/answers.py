"""Answers to the exercises that no slip gives: other right ones, and near misses.

A row: the exercise, what is said ("right", or a piece of the sentence; "not yet." is for what no
slip is near), and the answer that must hear it.
"""

ANSWERS = """
rms_difference | right | np.sqrt(np.mean((b - a) ** 2))
rms_difference | right | np.sqrt(np.square(a - b).sum() / a.size)
rms_difference | right | np.linalg.norm((a - b).ravel()) / a.size**0.5
rms_difference | right | np.sqrt((a**2).mean() - 2 * (a * b).mean() + (b**2).mean()).round(12)
rms_difference | right | math.sqrt(sum((x - y) ** 2 for x, y in zip(a.ravel(), b.ravel())) / a.size)
rms_difference | not yet. | (abs(a - b) ** 3).mean() ** (1 / 3)
rms_difference | not yet. | 1 - (a * b).mean()
rms_difference | stopped with AttributeError | (a - b).square().mean().sqrt()
spread | right | math.sqrt(((x.mean() - x) ** 2).sum() / x.size)
spread | right | abs((x**2).mean() - x.mean() ** 2) ** 0.5
spread | right | torch.tensor(x).std(correction=0)
spread | right | np.std(x)
spread | not yet. | x.std() + 0.01
spread | not yet. | (x.size - 1) * x.std()
add_and_clip | right | (pixels.astype(np.int16) + noise).clip(0, 255).astype("uint8")
add_and_clip | right | np.minimum(np.maximum(pixels + noise, 0), 255).astype(np.uint8)
add_and_clip | right | np.uint8(np.clip(pixels.astype(np.float32) + noise, 0, 255))
add_and_clip | right |
    torch.clamp(torch.tensor(pixels).int() + torch.tensor(noise), 0, 255).to(torch.uint8)
add_and_clip | come as int64, and uint8 | np.clip(total, 0, 255)
add_and_clip | come as float64 | np.clip(pixels.astype(float) + noise, 0, 255)
add_and_clip | come as a list | np.clip(total, 0, 255).tolist()
add_and_clip | not yet. | np.clip(total, 1, 254).astype(np.uint8)
add_and_clip | not yet. | np.clip(total + noise, 0, 255).astype(np.uint8)
add_and_clip | not yet. | 255 - np.clip(total, 0, 255)
add_and_clip | range for floats | np.clip(total, 0, 255).astype(bool)
to_floats | right | 2 * (pixels / 255) - 1
to_floats | right | (pixels.astype(np.float32) - 127.5) / 127.5
to_floats | right | np.linspace(-1, 1, 256)[pixels]
to_floats | right | np.interp(pixels, [0, 255], [-1, 1])
to_floats | not yet. | pixels / 120 - 1
to_floats | not yet. | (pixels / 255) ** 2 * 2 - 1
to_floats | not yet. | pixels / 127.5 - 0.9
combined_spread | right | math.hypot(a, b)
combined_spread | not yet. | a + 0.5 * b
combined_spread | not yet. | math.hypot(a, b) + 0.001
combined_spread | a complex number | (a**2 - b**2) ** 0.5
add_noise | right | math.sqrt(a) * x0 + math.sqrt(1 - a) * eps
add_noise | right | float(a) ** 0.5 * x0.numpy() + float(1 - a) ** 0.5 * eps.numpy()
add_noise | negative root | (a * x0 + (1 - a) * eps) ** 0.5
add_noise | negative root | a**0.5 * x0 + (a - 1) ** 0.5 * eps
add_noise | has shape () | x0.mean()
add_noise | not yet. | a**0.5 * x0 + (1 - a) ** 0.25 * eps
add_noise | not yet. | a**0.5 * x0 + (1 - a) ** 0.5 * eps.abs()
add_noise | not yet. | a**0.5 * x0 + (1 - a) ** 0.5 * eps + 0.001
alpha_bar_from_beta | right | np.concatenate([[1], np.cumprod(1 - beta)])
alpha_bar_from_beta | right | np.cumprod(1 - np.append(0.0, beta))
alpha_bar_from_beta | right | [math.prod(1 - beta[:t]) for t in range(len(beta) + 1)]
alpha_bar_from_beta | right | torch.cat([torch.ones(1), torch.cumprod(1 - torch.tensor(beta), 0)])
alpha_bar_from_beta | right | np.append(1.0, np.exp(np.cumsum(np.log(1 - beta))))
alpha_bar_from_beta | not yet. | np.append(1, np.cumprod(1 - beta / 2))
alpha_bar_from_beta | not yet. | np.append(1, np.cumprod(1 - beta))[::-1]
alpha_bar_from_beta | not yet. | np.append(1, np.cumprod(1 + beta))
snr | right | 1 / (1 / a - 1)
snr | right | (np.sqrt(a) / np.sqrt(1 - a)) ** 2
snr | has shape () | float(a.mean())
snr | not yet. | np.log2(a / (1 - a))
snr | not yet. | a / (1.1 - a)
my_schedule | right | np.linspace(1, 0, T + 1)
my_schedule | right | [1 - t / T for t in range(T + 1)]
my_schedule | right | torch.cos(torch.linspace(0, torch.pi / 2, T + 1)) ** 2 + 0.0
my_schedule | right | schedules.cosine(T).alpha_bar
my_schedule | right | np.exp(-8 * np.arange(T + 1) / T)
my_schedule | right | np.cumprod(np.append(1, 1 - np.linspace(0.1, 20, T) / T))
my_schedule | right | 1 - (1 - 0.001) * np.arange(T + 1) / T
my_schedule | right |
    f = np.cos(np.pi / 2 * (np.arange(T + 1) / T + 0.008) / 1.008) ** 2
    return f / f[0]
my_schedule | T + 1 numbers are needed | np.linspace(1, 0, T)
my_schedule | t = 0 is missing | schedules.linear(T).alpha_bar[1:]
my_schedule | use T, whatever it is | np.linspace(1, 0, 1001)
my_schedule | from 1 down to 0 | np.linspace(100, 0, T + 1)
my_schedule | share of noise | np.linspace(0, 1, T + 1)
my_schedule | share of noise | 1 - schedules.cosine(T).alpha_bar
my_schedule | looks like β | np.linspace(1e-4, 0.02, T)
my_schedule | must be exactly 1 | 0.999 * np.linspace(1, 0, T + 1)
my_schedule | divide all by the first | np.arange(T, -1, -1)
my_schedule | must never rise | np.abs(np.cos(np.linspace(0, np.pi, T + 1)))
my_schedule | below 0 | np.cos(np.linspace(0, np.pi, T + 1))
my_schedule | By rounding only | np.linspace(1, 0, T + 1) - 1e-17 * (np.arange(T + 1) == T)
my_schedule | only the very last may be 0 | np.maximum(1 - 2 * np.arange(T + 1) / T, 0)
my_schedule | of the picture's amplitude is left | schedules.linear(T).alpha_bar
my_schedule | of the picture's amplitude is left | 1 - np.arange(T + 1) / 1000
my_schedule | 100% of the picture's amplitude is left | np.ones(T + 1)
my_schedule | not multiplied up | np.append(1, 1 - np.linspace(1e-4, 0.02, T))
my_schedule | β that don't grow | 0.99 ** np.arange(T + 1)
my_schedule | Is there a // in place of /? | 1 - np.arange(T + 1) // T
my_schedule | here: spread it over more steps. | np.exp(-np.arange(T + 1))
my_schedule | takes 25% of the picture's power | schedules.cosine(T).alpha
my_schedule | the step to t = 1 takes 100% | np.append(1, np.full(T, 1e-6))
my_schedule | a whole Schedule | schedules.cosine(T)
my_schedule | NaN or infinity | np.log(np.linspace(1, 0, T + 1).clip(1e-9)) * np.nan
my_schedule | one flat list | 0.5
my_schedule | one flat list | np.linspace(1, 0, T + 1)[:, None]
my_schedule | returns a generator | ((1 - t / T) ** 2 for t in range(T + 1))
votes | right | softmax((exponents - exponents.max()).float())
votes | right | softmax((a**0.5 * (data @ x_t) - a * data.square().sum(1) / 2) / (1 - a))
votes | right | softmax(-(x_t / a**0.5 - data).square().sum(1) / (2 * (1 - a) / a))
votes | right | torch.exp(torch.log_softmax(exponents, 0))
votes | right | torch.exp(exponents - torch.logsumexp(exponents, 0))
votes | right | by_hand((gap.min() - gap) / (2 * (1 - a)))
votes | right |
    e = [-sum((p - a**0.5 * q) ** 2 for p, q in zip(x_t.tolist(), row)) for row in data.tolist()]
    e = [math.exp((v - max(e)) / (2 * (1 - a))) for v in e]
    return [v / sum(e) for v in e]
votes | stopped with ZeroDivisionError |
    e = [math.exp(v) for v in exponents.tolist()]
    return [v / sum(e) for v in e]
votes | not yet. | softmax(0.99 * exponents)
votes | not yet. | softmax(-gap / (4 * (1 - a)))
votes | not yet. | softmax(exponents).sqrt()
votes | not yet. | softmax(exponents).flip(0)
leftover_noise | not yet. | (x_t - a**0.5 * x0_hat.abs()) / (1 - a) ** 0.5
leftover_noise | not yet. | torch.randn(x_t.shape, generator=torch.Generator().manual_seed(0))
voters | right | 2 ** (H / math.log(2))
voters | right | math.exp(-sum(v * math.log(v) for v in w.tolist() if v > 0))
voters | right | torch.exp(torch.special.entr(w).sum())
voters | right | np.exp(-np.sum(w[w > 0].numpy() * np.log(w[w > 0].numpy())))
voters | right | torch.exp(-(w * w.clamp(min=1e-300).log()).sum())
voters | stopped with ValueError | math.exp(-sum(v * math.log(v) for v in w.tolist()))
voters | not yet. | torch.exp(H) + 0.01
voters | not yet. | w.sum()
velocity | right | np.sqrt(a.numpy()) * eps.numpy() - np.sqrt(1 - a.numpy()) * x0.numpy()
velocity | not yet. | a**0.5 * eps - (1 - a) ** 0.5 * x0 + 0.001
velocity | not yet. | 2 * (a**0.5 * eps - (1 - a) ** 0.5 * x0)
velocity | not yet. | a**0.5 * eps - (1 - a**2) ** 0.5 * x0
ema_update | right | mean + (1 - keep) * (weight - mean)
ema_update | right | mean.lerp(weight, 1 - keep)
ema_update | right | mean.clone().mul_(keep).add_(weight, alpha=1 - keep)
ema_update | in place | mean.lerp_(weight, 1 - keep)
ema_update | in place | mean.mul_(keep).add_(weight, alpha=1 - keep)
ema_update | NaN | mean**keep * weight ** (1 - keep)
ema_update | not yet. | 0.999 * mean + 0.001 * weight
ema_update | not yet. | keep**0.5 * mean + (1 - keep) ** 0.5 * weight
ema_update | not yet. | keep**2 * mean + (1 - keep**2) * weight
draw_t | right | torch.randint(T, (n,), generator=g) + 1
draw_t | right | (torch.rand(n, generator=g) * T).ceil().long()
draw_t | right | 1 + (torch.rand(n, generator=g, dtype=torch.float64) * T).floor().int()
draw_t | right | torch.randint(1, T + 1, (n,), generator=g).tolist()
draw_t | right | [int(torch.randint(1, T + 1, (), generator=g)) for _ in range(n)]
draw_t | more often | mostly_middle(schedules.cosine(T), n, g)
draw_t | from 0 to T − 1 | torch.randint(0, T, (n,), generator=g)
draw_t | well-known course | torch.randint(0, T - 1, (n,), generator=g)
draw_t | it draws 0, where | torch.randint(0, T + 1, (n,), generator=g)
draw_t | it draws 0, where | (torch.rand(n, generator=g) * T).round().long()
draw_t | is never drawn, and that is where | torch.randint(1, T, (n,), generator=g)
draw_t | 1 is never drawn | torch.randint(2, T + 1, (n,), generator=g)
draw_t | beyond the last level | torch.randint(1, T + 2, (n,), generator=g)
draw_t | levels run from 1 to T | torch.randint(-T, T + 1, (n,), generator=g)
draw_t | one level for all | torch.randint(1, T + 1, (1,), generator=g)
draw_t | one level for all | torch.randint(1, T + 1, (), generator=g)
draw_t | all its levels are | torch.randint(1, T + 1, (1,), generator=g).expand(n)
draw_t | shape | torch.randint(1, T + 1, (n, 1), generator=g)
draw_t | shape | torch.randperm(T, generator=g)[:n] + 1
draw_t | fractions | 1 + (T - 1) * torch.rand(n, generator=g)
draw_t | come as torch.float32 | torch.randint(1, T + 1, (n,), generator=g).float()
draw_t | more often | (torch.rand(n, generator=g) ** 2 * T).ceil().long().clamp(1, T)
draw_t | more often | (torch.rand(n, generator=g) * T).round().long().clamp(1, T)
draw_t | come in order | torch.arange(n) % T + 1
draw_t | come in order | torch.randint(1, T + 1, (n,), generator=g).sort().values
draw_t | same generator state | torch.randint(1, T + 1, (n,))
draw_t | another seed gives the same |
    torch.randint(1, T + 1, (n,), generator=torch.Generator().manual_seed(0))
step_back | right | np.sqrt(float(a)) * x0_hat.numpy() + np.sqrt(1 - float(a)) * eps_hat.numpy()
step_back | not yet. |
    z = torch.randn(x0_hat.shape, generator=torch.Generator().manual_seed(0))
    return a**0.5 * x0_hat + (1 - a) ** 0.5 * z
step_back | not yet. | a**0.5 * x0_hat + (1 - a) ** 0.5 * eps_hat.abs()
step_back | not yet. | (x_t + x0_hat) / 2
posterior_mean | right |
    eps = (x_t - now**0.5 * x0) / (1 - now) ** 0.5
    return (x_t - b / (1 - now) ** 0.5 * eps) / (1 - b) ** 0.5
posterior_mean | right |
    right(x_t, x0, 1 - alpha_bar / torch.cat([alpha_bar[:1], alpha_bar[:-1]]), alpha_bar, t)
posterior_mean | not yet. | (x_t + x0) / 2
posterior_mean | not yet. | x_t
timesteps | right | np.linspace(T, 0, n + 1).round().astype(int)
timesteps | right | [T - i * T // n for i in range(n + 1)]
timesteps | right | torch.linspace(T, 0, n + 1, dtype=torch.float64).round().long()
timesteps | right | tuple(int(i) for i in np.linspace(0, T, n + 1).round())[::-1]
timesteps | T // n = 62 | range(T, -1, -(T // n))
timesteps | T // n = 62 | [T - i * (T // n) for i in range(n)]
timesteps | end of the list, which is noise | [t - T // n for t in range(T, 0, -(T // n))]
timesteps | end of the list, which is noise | np.linspace(T, -1, n + 1).round().astype(int)
timesteps | starts at 999 | np.linspace(T - 1, 0, n + 1).round().astype(int)
timesteps | but pure noise is T | np.linspace(n, 0, n + 1).astype(int)
timesteps | ends at 1, | np.linspace(T, 1, n + 1).round().astype(int)
timesteps | n jumps have n + 1 ends. The last | np.linspace(T, 0, n + 1).round().astype(int)[:-1]
timesteps | has 16 places | np.linspace(T, 0, n).round().astype(int)
timesteps | it rises | np.linspace(0, T, n + 1).round().astype(int)
timesteps | so round them | np.linspace(T, 0, n + 1)
timesteps | they come as text | [str(round(T - i * T / n)) for i in range(n + 1)]
timesteps | they come as floats | np.linspace(T, 0, n + 1).round()
timesteps | stands still | [T, *[T // 2] * (n - 1), 0] if n > 1 else [T, 0]
timesteps | make them even | [*range(T, T - n, -1), 0]
timesteps | finished picture is t = 0 | [T - i for i in range(n + 1)]
timesteps | shape | n
timesteps | shape | []
timesteps | shape | [[T, 0]]
timesteps | NaN | [T] + [float("nan")] * n
survives | right | np.cumprod(np.append(1, factors))
survives | right | tuple(right([float(x) for x in alpha_bar], steps))
survives | right |
    T = alpha_bar[steps[0]]
    return [(T / s) ** 0.5 * (1 - s) / (1 - T) for s in alpha_bar[steps]]
survives | not yet. | walk((1 - t / s) * (1 - s) / (1 - t))
survives | not yet. | [1.0] * len(steps)
survives | not yet. | [alpha_bar[t] ** 0.5 for t in steps]
brightness_ratio | right | math.sqrt(a * pixels / (1 - a)) * spread
brightness_ratio | not yet. | math.sqrt(pixels / (1 - a)) * spread
guide | right | w * c + (1 - w) * n
guide | right | c + (w - 1) * (c - n)
guide | right | torch.lerp(n, c, float(w))
guide | not yet. | n + 2 * w * (c - n)
guide | not yet. | c * n * w
guide | not yet. | n + w * (c - n) + 1e-3
drop_words | right | cond * (torch.rand(len(cond), 1, generator=g) >= p)
drop_words | right | torch.where((torch.rand(len(cond), generator=g) < p)[:, None], 0, cond)
drop_words | right |
    cond * (1 - torch.bernoulli(torch.full((len(cond), 1), float(p)), generator=g)).long()
drop_words | right |
    torch.stack([row * 0 if torch.rand(1, generator=g) < p else row for row in cond])
drop_words | right | right(cond, p, g).tolist()
drop_words | right | right(cond, p, g).int()
drop_words | in place | cond[torch.rand(len(cond), generator=g) < p] = 0; return cond
drop_words | it hides single words | cond.masked_fill(torch.rand(cond.shape, generator=g) < p, 0)
drop_words | same columns |
    cond.masked_fill(torch.rand(1, cond.shape[1], generator=g) < max(p, 0.4), 0)
drop_words | one die is thrown for the whole batch | cond * 0
drop_words | no row is hidden | cond
drop_words | keeps those that it should hide |
    cond.masked_fill(torch.rand(len(cond), 1, generator=g) > p, 0)
drop_words | 10% are expected | cond.masked_fill(torch.rand(len(cond), 1, generator=g) < 0.5 * p, 0)
drop_words | 10% are expected | cond.masked_fill(torch.randn(len(cond), 1, generator=g) < p, 0)
drop_words | 70% are expected | cond.masked_fill(torch.rand(len(cond), 1, generator=g) < 0.1, 0)
drop_words | next to each other |
    hidden = torch.arange(len(cond)) < round(p * len(cond)) + 0 * torch.rand(1, generator=g)
    return cond.masked_fill(hidden[:, None], 0)
drop_words | says whose words are hidden | torch.rand(len(cond), 1, generator=g) < p
drop_words | says whose words are hidden | torch.rand(len(cond), generator=g) < p
drop_words | rows are missing | cond[torch.rand(len(cond), generator=g) >= p]
drop_words | 0 stands for nothing said |
    cond.masked_fill(torch.rand(len(cond), 1, generator=g) < p, -1)
drop_words | 0 stands for nothing said |
    cond.masked_fill(torch.rand(len(cond), 1, generator=g) < p, 28)
drop_words | same generator state | cond.masked_fill(torch.rand(len(cond), 1) < p, 0)
drop_words | another seed gives the same | right(cond, p, torch.Generator().manual_seed(0))
drop_words | another seed gives the same |
    cond.masked_fill((torch.arange(len(cond)) % 10 < round(10 * p))[:, None], 0)
drop_words | words have whole numbers | cond * (torch.rand(len(cond), 1, generator=g) >= p).float()
drop_words | NaN | right(cond, p, g).float().masked_fill(cond == 3, float("nan"))
drop_words | shape | right(cond, p, g)[None]
drop_words | shape | 0
nearest_distance | right |
    [min(float(((picture - other) ** 2).mean()) ** 0.5 for other in data) for picture in x]
nearest_distance | right |
    torch.cdist(x.flatten(1), data.flatten(1)).min(1).values / x[0].numel() ** 0.5
nearest_distance | right |
    np.sqrt(((x.numpy()[:, None] - data.numpy()[None]) ** 2).mean((2, 3, 4))).min(1)
nearest_distance | right | table.min(1).values
nearest_distance | stopped with RuntimeError | ((x - data) ** 2).mean()
nearest_distance | not yet. | ((x[:, None] - data) ** 2).mean(2).sqrt().amin((1, 2, 3))
frechet_1d | right | means**2 + a.var() + b.var() - 2 * a.std() * b.std()
frechet_1d | right | means**2 + (np.std(a.numpy()) - np.std(b.numpy())) ** 2
frechet_1d | not yet. | (a.median() - b.median()) ** 2 + 1
"""
