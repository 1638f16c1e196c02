// The random numbers of the package, bit for bit: NumPy's SeedSequence and PCG64 for the dice,
// PyTorch's Mersenne Twister and its normal numbers for the static. So seed 0 of this page is
// seed 0 of the course.

// numpy.random.SeedSequence(entropy).generate_state(count, uint32); O'Neill 2015.
export function seedSequence(entropy, count) {
  const multiply = Math.imul, pool = [0, 0, 0, 0];
  let hash = 0x43b0d7e5;
  const hashed = (value) => {
    value ^= hash;
    hash = multiply(hash, 0x931e8875);
    value = multiply(value, hash);
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mixed = (x, y) => {
    const result = multiply(x, 0xca01f9dd) - multiply(y, 0x4973f715);
    return (result ^ (result >>> 16)) >>> 0;
  };
  for (let i = 0; i < 4; i++) pool[i] = hashed(i < entropy.length ? entropy[i] : 0);
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  for (let from = 4; from < entropy.length; from++)
    for (let to = 0; to < 4; to++) pool[to] = mixed(pool[to], hashed(entropy[from]));
  hash = 0x8b51f9dd;
  return Uint32Array.from({ length: count }, (_, i) => {
    let value = pool[i % 4] ^ hash;
    hash = multiply(hash, 0x58f38ded);
    value = multiply(value, hash);
    return (value ^ (value >>> 16)) >>> 0;
  });
}

// numpy.random.default_rng([seed, k]): random() in [0, 1) and choice(n) from 0 … n − 1.
export function dice(seed, k) {
  const words = seedSequence([seed, k], 8), M = (1n << 128n) - 1n;
  const wide = (i) => BigInt(words[i]) | (BigInt(words[i + 1]) << 32n);
  const factor = 0x2360ed051fc65da44385df649fccf645n;
  const step = (((wide(4) << 64n) | wide(6)) << 1n | 1n) & M;
  let state = 0n, kept = null;
  const forward = () => { state = (state * factor + step) & M; };
  forward();
  state = (state + ((wide(0) << 64n) | wide(2))) & M;
  forward();
  const next64 = () => {
    forward();
    const value = ((state >> 64n) ^ state) & 0xffffffffffffffffn, turn = state >> 122n;
    return ((value >> turn) | (value << (64n - turn))) & 0xffffffffffffffffn;
  };
  const next32 = () => {
    if (kept !== null) {
      const value = kept;
      kept = null;
      return value;
    }
    const value = next64();
    kept = value >> 32n;
    return value & 0xffffffffn;
  };
  return {
    random: () => Number(next64() >> 11n) / 2 ** 53,
    choice(n) {
      if (n === 1) return 0; // without a throw, as in NumPy
      const least = (1n << 32n) % BigInt(n);
      let product = next32() * BigInt(n);
      while ((product & 0xffffffffn) < least) product = next32() * BigInt(n);
      return Number(product >> 32n);
    },
  };
}

// Matsumoto and Nishimura 1998, seeded as PyTorch's generator is: with 32 bits.
function mersenneTwister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) {
    const before = state[i - 1] ^ (state[i - 1] >>> 30);
    state[i] = Math.imul(1812433253, before) + i;
  }
  let at = 624;
  return () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

// generate.initial_noise for one picture: ``count`` standard normal numbers, a multiple of 16 (Box and
// Muller 1958, eight pairs at a time, as PyTorch does it).
export function normalNumbers(seed, k, count) {
  const next = mersenneTwister(seedSequence([seed, k], 2)[0]);
  const numbers = Float32Array.from({ length: count }, () => (next() & 0xffffff) / 2 ** 24);
  for (let first = 0; first < count; first += 16)
    for (let i = first; i < first + 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - numbers[i]));
      const angle = 2 * Math.PI * numbers[i + 8];
      numbers[i] = radius * Math.cos(angle);
      numbers[i + 8] = radius * Math.sin(angle);
    }
  return numbers;
}
