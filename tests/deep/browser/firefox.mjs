// Drives Firefox for test_firefox.py: takes what to do as JSON, and prints what it saw.
import puppeteer from "puppeteer-core";

const { path, ...task } = JSON.parse(process.argv[2]);
const browser = await puppeteer.launch({ browser: "firefox", executablePath: path });
const page = await browser.newPage();

// outOfPlace is a function of entries, as text: what is wrong with them.
async function look({ addresses, widths, outOfPlace, entries }) {
  const look = `[document.documentElement.scrollWidth,
    (${outOfPlace})([...document.querySelectorAll("${entries}")])]`;
  const found = [];
  for (const address of addresses) {
    await page.goto(address);
    await page.waitForSelector(".xiebao-entry"); // some pages fetch theirs
    for (const width of widths) {
      await page.setViewport({ width, height: 900 });
      const [needed, wrong] = await page.evaluate(look);
      if (needed > width) wrong.push(["scrolls", needed]);
      for (const what of wrong) found.push([address, width, what]);
    }
  }
  return found;
}

async function doubleClick({ address, member }) {
  await page.goto(`${address}/sign-in?next=/`);
  await page.type("[name=member]", member);
  await Promise.all([page.waitForNavigation(), page.click("button")]);
  const opened = new Promise((done) => browser.once("targetcreated", done));
  await page.click("#product", { count: 2 });
  const other = await (await opened).page();
  await other.waitForSelector(".xiebao-verdict");
  return { url: other.url() };
}

try {
  console.log(JSON.stringify(await (task.addresses ? look(task) : doubleClick(task))));
} finally {
  await browser.close();
}
