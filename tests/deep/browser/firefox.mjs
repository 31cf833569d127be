// Runs a task in Firefox for test_firefox.py. The first argument is the task as JSON. The result is
// printed as JSON.
import puppeteer from "puppeteer-core";

const { path, ...task } = JSON.parse(process.argv[2]);
const browser = await puppeteer.launch({ browser: "firefox", executablePath: path });
const page = await browser.newPage();

// Returns the layout errors of the entries on each page at each width. findLayoutErrors is the source
// code of a function that returns the layout errors of a list of elements.
async function checkLayout({ urls, widths, entries, findLayoutErrors }) {
  const measure = `[document.documentElement.scrollWidth,
    (${findLayoutErrors})([...document.querySelectorAll("${entries}")])]`;
  const errors = [];
  for (const url of urls) {
    await page.goto(url);
    await page.waitForSelector(".xiebao-entry"); // Some pages fetch their entries.
    for (const width of widths) {
      await page.setViewport({ width, height: 900 });
      const [scrollWidth, found] = await page.evaluate(measure);
      if (scrollWidth > width) found.push(["the page scrolls sideways", scrollWidth]);
      for (const error of found) errors.push([url, width, error]);
    }
  }
  return errors;
}

// Logs in, double-clicks an entry, and returns the URL of the page that opens.
async function doubleClick({ url, member }) {
  await page.goto(`${url}/sign-in?next=/`);
  await page.type("[name=member]", member);
  await Promise.all([page.waitForNavigation(), page.click("button")]);
  const opened = new Promise((done) => browser.once("targetcreated", done));
  await page.click("#product", { count: 2 });
  const newPage = await (await opened).page();
  await newPage.waitForSelector(".xiebao-verdict");
  return newPage.url();
}

try {
  console.log(JSON.stringify(await (task.urls ? checkLayout(task) : doubleClick(task))));
} finally {
  await browser.close();
}
