// Free text → words that the network knows, and notes on all the rest: prompts.py once more, step
// by step, on the very same tables (prompts.tables()). Then the dice of words.spell_out.
import { dice } from "./random.js";

export function createReader(tables) {
  const split = (text) => (text ? text.split(", ") : []);
  const vocabulary = tables.vocabulary;
  const nameOf = {}, idOf = {};
  vocabulary.forEach(([name, value], i) => {
    if (value === "none") return;
    nameOf[value] = name;
    idOf[value] = i + 1;
  });
  const attributes = [...new Set(vocabulary.map(([name]) => name))];
  const isItem = new Set(tables.items), isAdjective = new Set(tables.adjectives);
  const isNoun = new Set(tables.nouns), noSlips = new Set(split(tables.no_slips));
  const letters = new RegExp(`^[${tables.letter}]`);

  // Every known phrase → its role, and the words of the vocabulary that it may stand for.
  const lexicon = new Map();
  for (const value of Object.keys(tables.caption_words)) {
    const said = [value, ...tables.caption_words[value], ...split(tables.synonyms[value])];
    for (const phrase of said) lexicon.set(phrase, ["synonyms", [value]]);
    for (const phrase of split(tables.closest[value])) lexicon.set(phrase, ["closest", [value]]);
  }
  for (const role of ["either", "bare"])
    for (const [phrase, values] of Object.entries(tables[role]))
      lexicon.set(phrase, [role, split(values)]);
  for (const table of [tables.grammar, tables.unknown])
    for (const [role, said] of Object.entries(table))
      for (const phrase of split(said)) lexicon.set(phrase, [role, []]);
  const items = new Map();
  for (const [phrase, [role, values]] of lexicon) if (isItem.has(role)) items.set(phrase, values);

  // Split a text into the longest known phrases, unknown words and marks.
  function pieces(text) {
    const tokens = [...text.matchAll(new RegExp(tables.token, "g"))].map((found) => ({
      word: plain(found[0]), start: found.index, stop: found.index + found[0].length }));
    const made = [];
    for (let i = 0, k; i < tokens.length; i += k) {
      let found;
      for (k = Math.min(5, tokens.length - i); ; k--) {
        const words = tokens.slice(i, i + k).map(({ word }) => word), last = words.pop();
        const phrase = singulars(last).map((form) => [...words, form].join(" "))
          .find((form) => lexicon.has(form));
        found = phrase !== undefined && lexicon.get(phrase);
        if (found || k === 1) break;
      }
      const [role, values] = found || unknown(tokens[i].word);
      const { start } = tokens[i], { stop } = tokens[i + k - 1];
      made.push({ written: text.slice(start, stop), role, values });
    }
    return made;
  }
  const plain = (word) =>
    word.toLowerCase().replaceAll("\u2019", "'").replace(/'(s|m|d|ll|re|ve)$/, "");

  function singulars(word) {
    const ends = [...word].length > 3 ? tables.plurals : [];
    return [word, ...ends.filter(([end]) => word.endsWith(end))
      .map(([end, more]) => word.slice(0, word.length - end.length) + more)];
  }
  function unknown(word) {
    if (Object.hasOwn(tables.marks, word)) return [tables.marks[word], []];
    if (/^[0-9]/.test(word)) return ["count", []];
    if (word[0] < "A") return ["stop", []];
    if (!letters.test(word)) return ["foreign", []];
    const near = nearest(word);
    const slips = new Map(near.filter(({ phrase, slips }) => slips === 1 && maySlip(word, phrase))
      .map(({ values }) => [values.join(), values]));
    if (slips.size === 1) return ["slip", [...slips.values()][0]];
    return near.length ? ["near", near.slice(0, 3).map(({ phrase }) => phrase)] : ["far", []];
  }
  function maySlip(word, phrase) {
    return phrase.length > 4 && phrase[0] === word[0] &&
      !singulars(word).some((form) => noSlips.has(form));
  }
  function nearest(word) {
    const forms = singulars(word), long = [...word].length;
    const limit = long < 2 ? 0 : long < 6 ? 1 : 2, mine = new Set(word);
    const near = [];
    for (const [phrase, values] of items) {
      const rest = word.startsWith(phrase) ? word.slice(phrase.length) : word;
      if (phrase.split(" ").includes(word) && idOf[phrase]) near.push({ phrase, values, slips: 0 });
      else if (rest !== word && items.has(rest))
        near.push({ phrase, values, slips: 0 },
          { phrase: rest, values: items.get(rest), slips: 0 });
      else if (!phrase.includes(" ") && different(mine, new Set(phrase)) <= 2 * limit + 1) {
        const slips = Math.min(...forms.map((form) => countSlips([...form], [...phrase], limit)));
        if (slips <= limit) near.push({ phrase, values, slips });
      }
    }
    near.sort((a, b) => a.slips - b.slips);
    const said = new Set(); // each meaning once
    return near.filter(({ values }) => !said.has(values.join()) && said.add(values.join()));
  }
  const different = (a, b) =>
    [...a].filter((x) => !b.has(x)).length + [...b].filter((x) => !a.has(x)).length;

  // How many letters were added, dropped, changed or swapped; stops at the limit.
  function countSlips(a, b, limit) {
    let older, before = [], row = [...Array(b.length + 1).keys()];
    for (let i = 1; i <= a.length; i++) {
      [older, before, row] = [before, row, [i]];
      for (let j = 1; j <= b.length; j++) {
        const changed = before[j - 1] + (a[i - 1] !== b[j - 1] ? 1 : 0);
        row.push(Math.min(before[j] + 1, row[j - 1] + 1, changed));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          row[j] = Math.min(row[j], older[j - 2] + 1);
      }
      if (Math.min(...row) > limit) return limit + 1;
    }
    return row[b.length];
  }

  // Tokens, negative and notes of a text; an error for one that is too long.
  function parse(text) {
    const long = [...text].length;
    if (long > tables.longest)
      throw new Error(`A prompt may have up to ${tables.longest} characters, but this one has ` +
        `${long}: say it in fewer words.`);
    const half = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
    return read(pieces(text.replace(half, "\ufffd")));
  }

  // Walks along the pieces once and gathers what is wanted, what is not, and what to say.
  function read(all) {
    const wanted = {}, unwanted = [], noted = new Map();
    let nobody = "", negation = "", overAnd = false;
    const note = (kind, piece, ...known) => {
      const key = JSON.stringify([kind, known]);
      if (!noted.has(key)) noted.set(key, { kind, known, written: [] });
      const { written } = noted.get(key);
      const heard = written.map((word) => word.toLowerCase());
      if (!heard.includes(piece.written.toLowerCase())) written.push(piece.written);
    };
    function want(piece) {
      const name = nameOf[piece.values[0]], first = wanted[name];
      if (piece.values.includes(first)) return;
      if (first) return note(`two of ${name}`, piece, first);
      const free = piece.values.filter((value) => !unwanted.includes(value));
      if (!free.length) return note("both", piece);
      if (piece.role !== "synonyms" && free.length === piece.values.length)
        note(piece.role, piece, ...free);
      wanted[name] = free[0];
    }
    function refuse(piece) {
      negation = negation && "hit";
      const fresh = piece.values.filter((value) => wanted[nameOf[value]] !== value);
      if (fresh.length < piece.values.length) note("both", piece);
      else if (["slip", "closest"].includes(piece.role)) note("slip", piece, ...fresh);
      unwanted.push(...fresh);
    }
    function passOver(i) {
      const { role, written } = all[i];
      if (role === "no" || role === "without") {
        negation = "open";
        overAnd = role === "without";
      } else if (role === "nobody") nobody ||= written;
      else if (["stop", "but"].includes(role) || (role === "comma" && negation === "open"))
        negation = "";
      else if (negation === "hit" && ["and", "or", "comma"].includes(role))
        negation = goesOn(all, i, overAnd) ? "open" : "";
      else if (negation === "hit" && ["small", "article", "copula", "relation"].includes(role))
        negation = "";
    }
    all.forEach((piece, i) => {
      const { role } = piece, colored = coloredThing(all, i);
      if (colored) note("color of", piece, colored);
      else if (role === "bare" || (isItem.has(role) && negation)) refuse(piece);
      else if (isItem.has(role)) want(piece);
      else if (Object.hasOwn(tables.unknown, role) || ["near", "far", "foreign"].includes(role)) {
        const kind = negation ? "unwanted" : role;
        note(kind, piece, ...(piece.values.length ? piece.values : instead(kind)));
        negation = negation && "hit";
      } else if (role === "relation") {
        note("relation", piece);
        passOver(i);
      } else if (role === "count" && !negation) note("count", piece);
      else passOver(i);
    });
    const notes = [...noted.values()].map(({ kind, known, written }) =>
      sentence(kind, known, written));
    if (nobody && !wanted.subject) {
      const theirs = Object.keys(wanted).filter((name) => name !== "place");
      if (theirs.length) notes.push(sentence("nobody", theirs.map((n) => wanted[n]), [nobody]));
      else if (!Object.keys(wanted).length) notes.push(sentence("nowhere", [], [nobody]));
    }
    return { tokens: ids(Object.values(wanted)), negative: ids(unwanted), notes };
  }
  const ids = (values) =>
    [...new Set(values.map((value) => idOf[value]))].sort((a, b) => a - b);
  const kindOf = (piece) => (isItem.has(piece.role) ? nameOf[piece.values[0]] : "");

  // What the colour at i colours if that has no colour to choose ("a hat that is blue").
  function coloredThing(all, i) {
    if (kindOf(all[i]) !== "color" || (i && kindOf(all[i - 1]) === "subject")) return "";
    let unknownNoun = "";
    for (let j = i + 1; j < all.length; j++) {
      let { role } = all[j], name = kindOf(all[j]);
      if (["and", "or", "comma"].includes(role) && j + 1 < all.length) {
        name = kindOf(all[j + 1]);
        role = all[j + 1].role;
        if (name !== "color" && !isAdjective.has(role)) break;
      } else if (name === "subject") return "";
      else if (isNoun.has(role)) unknownNoun = all[j].written;
      else if (!isAdjective.has(role) && name !== "color") {
        if (name) return all[j].written;
        break;
      }
    }
    if (unknownNoun) return all.some((piece) => kindOf(piece) === "subject") ? unknownNoun : "";
    let j = i - 1;
    while (j > 0 && all[j].role === "copula") j--;
    return j >= 0 && j < i - 1 && !["", "subject", "color"].includes(kindOf(all[j]))
      ? all[j].written : "";
  }

  // Does a "no" reach beyond this "or", "and" or comma? ("no hat, glasses or skateboard")
  function goesOn(all, i, overAnd) {
    if (all[i].role === "or") return true;
    let animals = kindOf(all[i - 1]) === "subject";
    for (let j = i + 1; j < all.length; j++) {
      const { role } = all[j];
      if (role === "article") {
        animals = false; // "not a cat, a dog" wants a dog
        continue;
      }
      const thing = isItem.has(role) || isNoun.has(role) || isAdjective.has(role);
      if (all[i].role === "and") return overAnd && thing;
      if (role === "and" || role === "or") return goesOn(all, j, overAnd);
      if (role !== "comma" && (!thing || (kindOf(all[j]) === "subject" && !animals))) return false;
    }
    return false;
  }
  function instead(kind) {
    const names = { subject: ["subject"], color: ["color"], place: ["place"],
      thing: ["sunglasses", "hat", "skateboard"],
      far: attributes.filter((name) => name !== "color") }[kind] ?? [];
    return Object.keys(nameOf).filter((value) => names.includes(nameOf[value]));
  }
  function sentence(kind, known, written) {
    const shown = known.map((value) => (value === "plain" ? "plain background" : value));
    const quoted = written.map((word) => {
      const marks = [...word];
      return `“${marks.slice(0, 40).join("")}${marks.length > 40 ? "…" : ""}”`;
    });
    const parts = { words: listed(quoted, "and"), known: listed(shown, "and"),
      choice: listed(shown, "or"), it: written.length === 1 ? "it" : "them",
      be: written.length === 1 ? "is" : "are" };
    return tables.notes[kind].replace(/\{(\w+)\}/g, (_, name) => parts[name]);
  }
  const listed = (words, last) => (words.length > 1
    ? `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}` : words[0] ?? "");

  return { parse };
}

// What each picture of a wish is to show: the words of the prompt, and by dice all the rest.
export function createDice(world) {
  const { attributes, impossible, held_out: heldOut, said, vocabulary } = world;
  const names = Object.keys(attributes);
  const has = (row, [name, value]) => row[names.indexOf(name)] === attributes[name].indexOf(value);
  let all = [[]];
  for (const name of names)
    all = all.flatMap((row) => attributes[name].map((_, i) => [...row, i]));
  all = all.filter((row) => !impossible.some(([a, b]) => has(row, a) && has(row, b)));

  function waysToGoOn(tokens, unwanted) {
    const words = {};
    for (const k of tokens) words[vocabulary[k - 1][0]] = vocabulary[k - 1][1];
    const asked = ([name, value]) => words[name] === value;
    for (const [a, b] of impossible)
      if (asked(a) && asked(b))
        throw new Error(`${a[0]} '${a[1]}' cannot go with ${b[0]} '${b[1]}'; leave out one of ` +
          "the two.");
    const barred = heldOut.filter(([a, b]) => !(asked(a) && asked(b)));
    const fits = all.map((row) => !barred.some(([a, b]) => has(row, a) && has(row, b)));
    const ofSubject = attributes.subject.map((_, s) =>
      all.filter((row, i) => fits[i] && row[0] === s).length);
    const refused = unwanted.filter((k) => !tokens.includes(k));
    const chances = all.map((row, i) => {
      let chance = (fits[i] ? 1 : 0) / Math.max(ofSubject[row[0]], 1);
      for (const name of names) {
        if (name in words) chance *= has(row, [name, words[name]]) ? 1 : 0;
        else chance *= has(row, [name, "none"]) ? 1 : 1 - said[name];
      }
      for (const k of refused) if (has(row, vocabulary[k - 1])) chance = 0;
      return chance;
    });
    if (!chances.some((chance) => chance > 0))
      throw new Error("Nothing is left to draw: leave out one of the things you do not want.");
    return chances;
  }

  // Rows of word numbers, as generate.sample_conditions gives them for one seed.
  function rows({ tokens, negative }, count, seed) {
    return Array.from({ length: count }, (_, k) => {
      const throws = dice(seed, k);
      let told = tokens;
      if (!told.length) {
        const known = vocabulary.flatMap(([name], i) => (name === "subject" ? [i + 1] : []))
          .filter((id) => !negative.includes(id));
        told = known.length ? [known[throws.choice(known.length)]] : [];
      }
      const chances = waysToGoOn(told, negative), sums = [];
      chances.reduce((sum, chance, i) => (sums[i] = sum + chance), 0);
      const at = throws.random() * sums.at(-1);
      const row = all[sums.findIndex((sum) => sum > at)];
      return names.map((name, i) => vocabulary.findIndex(
        ([n, value]) => n === name && value === attributes[name][row[i]]) + 1);
    });
  }

  // A row in words, such as "blue fox, top hat, night".
  function described(row) {
    const named = {};
    for (const k of row) if (k) named[vocabulary[k - 1][0]] = vocabulary[k - 1][1];
    const { color = "", subject = "", place = "" } = named;
    const who = subject === "none" ? "nobody" : `${color} ${subject}`.trim();
    const things = ["sunglasses", "hat", "skateboard"].map((name) => named[name] ?? "none");
    return [who, ...things, place === "plain" ? "plain background" : place]
      .filter((part) => part && part !== "none").join(", ");
  }
  return { rows, described };
}
