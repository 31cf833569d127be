/* The search of the manual. It uses MiniSearch, and searches the pieces (sections, settings, messages and others) that
   docs/search.py has written into the index. */

(() => {
  "use strict";

  const MAX_PAGES = 10;
  const MAX_PIECES_PER_PAGE = 3;
  const SNIPPET_LENGTH = 160;
  const PHRASE_FACTOR = 3; // The score of a piece that contains the exact question is multiplied by this factor.

  // Common words, which are in many questions and do not help to find a page.
  const COMMON_WORDS = new Set(
    ("a an and are as at be been but by can cannot do does for from get gets has have how i in is it its"
      + " must my no not of on one or so that the their there this to was what when where which who why"
      + " will with you your").split(" "),
  );
  const COMMON_CHINESE = /怎么办|怎么|怎样|如何|为什么|什么|在哪里|哪里|哪些|能不能|可不可以|是不是|有没有|可以|能否|吗|呢|的|了/gu;

  // Words that readers may use, each with the word that the manual uses instead.
  const SYNONYMS = new Map([
    ["config", "setting"], ["configuration", "setting"], ["email", "mail"], ["refund", "surrender"],
    ["安卓", "android"], ["连接", "链接"], ["退款", "退保"],
  ]);

  const LATIN = "(?:(?!\\p{Script=Han})[\\p{L}\\p{N}_])+";
  const WORD_RUNS = new RegExp(`\\p{Script=Han}+|${LATIN}(?:-${LATIN})*`, "gu");

  // "log in", "log-in" and "login" are treated as the same word.
  const LOG_IN_VARIANTS = /\blog(?:ged|ging|s)?[ -](in|out)\b/gi;

  // Chinese text has no spaces between words, so the words of Chinese text are all pairs of neighboring characters.
  function splitWords(text) {
    const prepared = text.replace(COMMON_CHINESE, " ").replace(LOG_IN_VARIANTS, "log$1");
    return [...prepared.matchAll(WORD_RUNS)].flatMap(([run]) => {
      const characters = [...run];
      return !/\p{Script=Han}/u.test(run) || characters.length === 1 ? [run]
        : characters.slice(1).map((character, position) => characters[position] + character);
    });
  }

  // The parts of a name are words, too, so that "public" also finds XIEBAO_PUBLIC_URL.
  function splitName(word) {
    const parts = word.split(/[_-]/).filter(Boolean);
    return parts.length > 1 ? [word, ...parts] : [word];
  }

  const getSingular = (word) => word.replace(/(?<=[a-z]{3})(?:ies$|(?<![su])s$)/, (end) => end === "ies" ? "y" : "");

  // Returns the search term for a word, or null for a common word.
  function normalizeWord(word) {
    const lower = word.toLowerCase();
    return COMMON_WORDS.has(lower) ? null : SYNONYMS.get(lower) ?? getSingular(lower);
  }

  const isLatin = (word) => /^[\w-]+$/.test(word);

  const index = new MiniSearch({
    fields: ["title", "page", "text"],
    tokenize: (text) => splitWords(text).flatMap(splitName),
    processTerm: normalizeWord,
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
  const isInManual = (word) =>
    index.search(word, { tokenize: (name) => [name], prefix: false, fuzzy: false }).length > 0;
  const findTerms = (question) => splitWords(question).flatMap((word) => {
    const parts = splitName(word);
    return parts.length === 1 || isInManual(word) ? [word] : parts;
  });

  // The factors for the scores of tutorials and lists. A page about the subject of the question comes before a
  // tutorial that uses the subject, and before a list that names it.
  const PAGE_WEIGHTS = [
    [/(^|\/)index\.html/, 0.15],
    [/^tutorial\/existing-shop\//, 0.35],
    [/^reference\/templates\.html#texts/, 0.3],
    [/^reference\/python-api/, 0.4],
    [/^reference\/errors/, 0.3],
  ];
  const getPageWeight = ({ url }) => PAGE_WEIGHTS.find(([pattern]) => pattern.test(url))?.[1];

  // A question contains a pasted message if it has 6 words in a row from the message. For a short message of at least 4
  // words, the question must contain all of its parts that do not vary.
  const MIN_WORDS_IN_A_ROW = 6;
  const MIN_MESSAGE_WORDS = 4;
  const splitLowerCaseWords = (text) => splitWords(text).map((word) => word.toLowerCase());

  // The fixed parts of each message, as lists of words. The parts that vary are "…" in the title.
  const messages = new Map(manualPieces.filter(({ url }) => url.startsWith("reference/errors"))
    .map(({ id, title }) => [id, title.split("…").map(splitLowerCaseWords).filter((part) => part.length)]));

  // Returns how many words of a message a question contains, or 0 if the question does not contain the message.
  function countPastedWords(question, id) {
    const parts = messages.get(id) ?? [];
    const hasWords = (words) => question.includes(` ${words.join(" ")} `);
    const messageWords = parts.flat();
    if (messageWords.length >= MIN_MESSAGE_WORDS && parts.every(hasWords)) return messageWords.length;
    const runs = parts.flatMap((part) => part.map((_, start) => part.slice(start, start + MIN_WORDS_IN_A_ROW)))
      .filter((run) => run.length === MIN_WORDS_IN_A_ROW && run.filter(normalizeWord).length > 1 && hasWords(run));
    return runs.length && runs.length + MIN_WORDS_IN_A_ROW - 1;
  }

  // Returns the pages that fit the question best, each with its matching pieces.
  function search(question) {
    const pages = new Map();
    const terms = findTerms(question);
    const termCount = new Set(terms.map(normalizeWord).filter(Boolean)).size;
    const questionWords = ` ${splitLowerCaseWords(question).join(" ")} `;
    const phrase = question.toLowerCase();
    const isPhrase = terms.length > 2;
    const results = index.search(question, { tokenize: () => terms }).map((result) => {
      const piece = manualPieces[result.id];
      const hasPhrase = isPhrase && `${piece.title} ${piece.text}`.toLowerCase().includes(phrase);
      // A piece with more words of the question comes before a piece that repeats one word often.
      const share = (result.queryTerms.length / termCount) ** 2;
      return {
        ...result,
        pastedWords: countPastedWords(questionWords, result.id),
        score: result.score * share * (getPageWeight(piece) ?? (hasPhrase ? PHRASE_FACTOR : 1)),
      };
    });
    results.sort((a, b) => b.pastedWords - a.pastedWords || b.score - a.score);
    for (const result of results) {
      const piece = manualPieces[result.id];
      if (!pages.has(piece.page)) pages.set(piece.page, []);
      pages.get(piece.page).push({ ...piece, words: result.terms });
    }
    return [...pages.values()].slice(0, MAX_PAGES);
  }

  // Returns the position in a text near which most of the searched words occur.
  function findSnippetStart(text, searchedWords) {
    const lower = text.toLowerCase();
    const matches = searchedWords.flatMap((word) => (
      [...findPositions(lower, word)].map((position) => [position, word])
    ));
    const countWordsFrom = (start) => new Set(
      matches.filter(([position]) => position >= start && position < start + SNIPPET_LENGTH / 2)
        .map(([, word]) => word),
    ).size;
    matches.sort(([a], [b]) => a - b);
    const [, best] = matches.reduce(([maximum, start], [position]) => {
      const count = countWordsFrom(position);
      return count > maximum ? [count, position] : [maximum, start];
    }, [0, 0]);
    // Begin the snippet at the beginning of a sentence or a word, if there is one shortly before.
    const earliest = Math.max(0, best - 40);
    const offset = earliest && text.slice(earliest, best).search(/(?<=[\s。，；：])/u);
    return earliest + Math.max(0, offset);
  }

  function* findPositions(text, word) {
    for (let position = text.indexOf(word); position >= 0; position = text.indexOf(word, position + 1)) yield position;
  }

  function buildSnippet(piece) {
    const start = findSnippetStart(piece.text, piece.words);
    const paragraph = document.createElement("p");
    paragraph.append(start > 0 ? "…" : "");
    for (const [part, isMarked] of splitMarkedParts(piece.text.slice(start, start + SNIPPET_LENGTH), piece.words)) {
      const mark = document.createElement(isMarked ? "mark" : "span");
      mark.textContent = part;
      paragraph.append(mark);
    }
    paragraph.append(start + SNIPPET_LENGTH < piece.text.length ? "…" : "");
    return paragraph;
  }

  // Splits a text into the parts to highlight and the parts between them. Chinese words can overlap, because they are
  // pairs of characters.
  function splitMarkedParts(text, searchedWords) {
    const lower = text.toLowerCase();
    const isMarked = new Array(text.length).fill(false);
    for (const word of searchedWords) {
      for (const position of findPositions(lower, word)) isMarked.fill(true, position, position + word.length);
    }
    const parts = [];
    for (let start = 0, end; start < text.length; start = end) {
      end = isMarked.indexOf(!isMarked[start], start);
      if (end < 0) end = text.length;
      parts.push([text.slice(start, end), isMarked[start]]);
    }
    return parts;
  }

  function buildLink(url, text) {
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.textContent = text;
    return anchor;
  }

  const input = document.getElementById("search-words");
  const list = document.getElementById("search-results");
  const status = document.getElementById("search-status");
  const nothingFound = document.getElementById("search-none");
  const translation = document.querySelector(".languages a");

  function show() {
    const question = input.value.trim();
    const pages = question ? search(question) : [];
    translation.search = question && new URLSearchParams({ q: question });
    const { one, few, many } = status.dataset;
    const text = pages.length === 1 ? one : pages.length < MAX_PAGES ? few : many;
    status.textContent = pages.length ? text.replace("{}", String(pages.length)) : "";
    nothingFound.hidden = !question || pages.length > 0;
    list.replaceChildren(...pages.map((pieces) => {
      const item = document.createElement("li");
      const [best] = pieces;
      const heading = document.createElement("h2");
      heading.append(buildLink(best.url.split("#")[0], best.page));
      item.append(heading);
      // Show the piece of the page itself before its sections, because this piece has no heading.
      const bestPieces = pieces.slice(0, MAX_PIECES_PER_PAGE);
      bestPieces.sort((a, b) => (b.title === b.page) - (a.title === a.page));
      for (const piece of bestPieces) {
        if (piece.title !== piece.page) {
          const title = document.createElement("h3");
          title.append(buildLink(piece.url, piece.title));
          item.append(title);
        }
        if (piece.text) item.append(buildSnippet(piece));
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
