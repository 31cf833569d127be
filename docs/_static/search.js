/* The search of the manual. It uses MiniSearch, and searches the pieces (sections, settings, messages and others) that
   docs/search.py has written into the index. */

(() => {
  "use strict";

  const MOST_PAGES = 10;
  const PIECES_OF_A_PAGE = 3;
  const SNIPPET = 160;
  const PHRASE = 3; // The score of a piece that contains the exact question is multiplied by this factor.

  // Common words, which are in many questions and do not help to find a page.
  const COMMON = new Set(
    ("a an and are as at be been but by can cannot do does for from get gets has have how i in is it its"
      + " must my no not of on one or so that the their there this to was what when where which who why"
      + " will with you your").split(" "),
  );
  const COMMON_CHINESE = /怎么办|怎么|怎样|如何|为什么|什么|在哪里|哪里|哪些|能不能|可不可以|是不是|有没有|可以|能否|吗|呢|的|了/gu;

  // Words that readers may use, each with the word that the manual uses instead.
  const ALSO = new Map([
    ["config", "setting"], ["configuration", "setting"], ["email", "mail"], ["refund", "surrender"],
    ["安卓", "android"], ["连接", "链接"], ["退款", "退保"],
  ]);

  const LATIN = "(?:(?!\\p{Script=Han})[\\p{L}\\p{N}_])+";
  const RUNS = new RegExp(`\\p{Script=Han}+|${LATIN}(?:-${LATIN})*`, "gu");

  // "log in", "log-in" and "login" are treated as the same word.
  const APART = /\blog(?:ged|ging|s)?[ -](in|out)\b/gi;

  // Chinese text has no spaces between words, so the words of Chinese text are all pairs of neighboring characters.
  function words(text) {
    return [...text.replace(COMMON_CHINESE, " ").replace(APART, "log$1").matchAll(RUNS)].flatMap(([run]) => {
      const characters = [...run];
      return !/\p{Script=Han}/u.test(run) || characters.length === 1 ? [run]
        : characters.slice(1).map((character, at) => characters[at] + character);
    });
  }

  // The parts of a name are words, too, so that "public" also finds XIEBAO_PUBLIC_URL.
  function withParts(word) {
    const parts = word.split(/[_-]/).filter(Boolean);
    return parts.length > 1 ? [word, ...parts] : [word];
  }

  const singular = (word) => word.replace(/(?<=[a-z]{3})(?:ies$|(?<![su])s$)/, (end) => end === "ies" ? "y" : "");

  // Returns the search term for a word, or null for a common word.
  function normal(word) {
    const lower = word.toLowerCase();
    return COMMON.has(lower) ? null : ALSO.get(lower) ?? singular(lower);
  }

  const isLatin = (word) => /^[\w-]+$/.test(word);

  const index = new MiniSearch({
    fields: ["title", "page", "text"],
    tokenize: (text) => words(text).flatMap(withParts),
    processTerm: normal,
    searchOptions: {
      boost: { title: 4, page: 3 },
      prefix: (word) => isLatin(word) && word.length > 2,
      fuzzy: (word) => (isLatin(word) && word.length > 5 ? 0.2 : false),
      weights: { prefix: 0.5, fuzzy: 0.2 },
    },
  });
  index.addAll(manualPieces);

  // Searches for a name as a whole, because the whole name finds better results than its parts. If the manual does
  // not contain the name, also searches for its parts.
  const isThere = (word) =>
    index.search(word, { tokenize: (whole) => [whole], prefix: false, fuzzy: false }).length > 0;
  const asked = (question) => words(question).flatMap((word) => {
    const parts = withParts(word);
    return parts.length === 1 || isThere(word) ? [word] : parts;
  });

  // The factors for the scores of tutorials and lists. A page about the subject of the question comes before a
  // tutorial that uses the subject, and before a list that names it.
  const WEIGHTS = [
    [/(^|\/)index\.html/, 0.15],
    [/^tutorial\/existing-shop\//, 0.35],
    [/^reference\/templates\.html#texts/, 0.3],
    [/^reference\/python-api/, 0.4],
    [/^reference\/errors/, 0.3],
  ];
  const weight = ({ url }) => WEIGHTS.find(([part]) => part.test(url))?.[1];

  // A question contains a pasted message if it has 6 words in a row from the message. For a short message of at least 4
  // words, the question must contain all of its parts that do not vary.
  const IN_A_ROW = 6;
  const SHORTEST = 4;
  const row = (text) => words(text).map((word) => word.toLowerCase());

  const messages = new Map(manualPieces.filter(({ url }) => url.startsWith("reference/errors"))
    .map(({ id, title }) => [id, title.split("…").map(row).filter((part) => part.length)]));

  function pasted(said, id) {
    const parts = messages.get(id) ?? [];
    const has = (some) => said.includes(` ${some.join(" ")} `);
    const all = parts.flat();
    if (all.length >= SHORTEST && parts.every(has)) return all.length;
    const runs = parts.flatMap((part) => part.map((_, at) => part.slice(at, at + IN_A_ROW)))
      .filter((some) => some.length === IN_A_ROW && some.filter(normal).length > 1 && has(some));
    return runs.length && runs.length + IN_A_ROW - 1;
  }

  // Returns the pages that fit the question best, each with its matching pieces.
  function search(question) {
    const pages = new Map();
    const terms = asked(question);
    const count = new Set(terms.map(normal).filter(Boolean)).size;
    const said = ` ${row(question).join(" ")} `;
    const phrase = question.toLowerCase();
    const isPhrase = terms.length > 2;
    const found = index.search(question, { tokenize: () => terms }).map((result) => {
      const piece = manualPieces[result.id];
      const says = isPhrase && `${piece.title} ${piece.text}`.toLowerCase().includes(phrase);
      // A piece with more words of the question comes before a piece that repeats one word often.
      const share = (result.queryTerms.length / count) ** 2;
      return {
        ...result,
        pasted: pasted(said, result.id),
        score: result.score * share * (weight(piece) ?? (says ? PHRASE : 1)),
      };
    });
    found.sort((one, other) => other.pasted - one.pasted || other.score - one.score);
    for (const result of found) {
      const piece = manualPieces[result.id];
      if (!pages.has(piece.page)) pages.set(piece.page, []);
      pages.get(piece.page).push({ ...piece, words: result.terms });
    }
    return [...pages.values()].slice(0, MOST_PAGES);
  }

  // Returns the position in a text near which most of the searched words occur.
  function densest(text, known) {
    const lower = text.toLowerCase();
    const places = known.flatMap((word) => [...all(lower, word)].map((at) => [at, word]));
    const near = (from) => new Set(places.filter(([at]) => at >= from && at < from + SNIPPET / 2)
      .map(([, word]) => word)).size;
    places.sort(([one], [other]) => one - other);
    const [, from] = places.reduce(([most, start], [at]) => {
      const count = near(at);
      return count > most ? [count, at] : [most, start];
    }, [0, 0]);
    // Begin the snippet at the beginning of a sentence or a word, if there is one shortly before.
    const start = Math.max(0, from - 40);
    const before = start && text.slice(start, from).search(/(?<=[\s。，；：])/u);
    return start + Math.max(0, before);
  }

  function* all(text, word) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) yield at;
  }

  function snippet(piece) {
    const start = densest(piece.text, piece.words);
    const paragraph = document.createElement("p");
    paragraph.append(start > 0 ? "…" : "");
    for (const [part, isMarked] of marked(piece.text.slice(start, start + SNIPPET), piece.words)) {
      const mark = document.createElement(isMarked ? "mark" : "span");
      mark.textContent = part;
      paragraph.append(mark);
    }
    paragraph.append(start + SNIPPET < piece.text.length ? "…" : "");
    return paragraph;
  }

  // Splits a text into the parts to highlight and the parts between them. Chinese words can overlap, because they are
  // pairs of characters.
  function marked(text, known) {
    const lower = text.toLowerCase();
    const has = new Array(text.length).fill(false);
    for (const word of known) {
      for (const at of all(lower, word)) has.fill(true, at, at + word.length);
    }
    const parts = [];
    for (let at = 0, end; at < text.length; at = end) {
      end = has.indexOf(!has[at], at);
      if (end < 0) end = text.length;
      parts.push([text.slice(at, end), has[at]]);
    }
    return parts;
  }

  function link(url, text) {
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.textContent = text;
    return anchor;
  }

  const input = document.getElementById("search-words");
  const list = document.getElementById("search-found");
  const said = document.getElementById("search-said");
  const none = document.getElementById("search-none");
  const translation = document.querySelector(".languages a");

  function show() {
    const question = input.value.trim();
    const pages = question ? search(question) : [];
    translation.search = question && new URLSearchParams({ q: question });
    const { one, few, many } = said.dataset;
    const how = pages.length === 1 ? one : pages.length < MOST_PAGES ? few : many;
    said.textContent = pages.length ? how.replace("{}", String(pages.length)) : "";
    none.hidden = !question || pages.length > 0;
    list.replaceChildren(...pages.map((pieces) => {
      const item = document.createElement("li");
      const [best] = pieces;
      const heading = document.createElement("h2");
      heading.append(link(best.url.split("#")[0], best.page));
      item.append(heading);
      // Show the piece of the page itself before its sections, because this piece has no heading.
      const shown = pieces.slice(0, PIECES_OF_A_PAGE);
      shown.sort((one, other) => (other.title === other.page) - (one.title === one.page));
      for (const piece of shown) {
        if (piece.title !== piece.page) {
          const title = document.createElement("h3");
          title.append(link(piece.url, piece.title));
          item.append(title);
        }
        if (piece.text) item.append(snippet(piece));
      }
      return item;
    }));
  }

  input.value = new URLSearchParams(location.search).get("q") ?? "";
  input.addEventListener("input", () => {
    const address = new URL(location.href);
    address.searchParams.set("q", input.value);
    history.replaceState(null, "", address);
    show();
  });
  input.form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
