// Drives Firefox for test_firefox.py: takes what to do as JSON, and prints what it saw.
import puppeteer from "puppeteer-core";

const { path, ...task } = JSON.parse(process.argv[2]);
const browser = await puppeteer.launch({ browser: "firefox", executablePath: path });
const page = await browser.newPage();

// What sticks out of the page or of its card, and buttons higher than wide.
function outOfPlace() {
  const wrong = [];
  const needed = document.documentElement.scrollWidth;
  if (needed > innerWidth) wrong.push(`scrolls to ${needed}`);
  for (const entry of document.querySelectorAll(".xiebao-entry")) {
    const whole = entry.getBoundingClientRect();
    if (!entry.matches(".xiebao-entry--card") && whole.height > whole.width) wrong.push("tower");
    for (const part of entry.children) {
      const { left, right, bottom } = part.getBoundingClientRect();
      if (left < whole.left || right > whole.right + 0.5 || bottom > whole.bottom + 0.5)
        wrong.push(`${part.className} sticks out`);
    }
  }
  return wrong;
}

async function look({ addresses, widths }) {
  const found = [];
  for (const address of addresses) {
    await page.goto(address);
    for (const width of widths) {
      await page.setViewport({ width, height: 900 });
      for (const what of await page.evaluate(outOfPlace)) found.push([address, width, what]);
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
  const pages = await browser.pages();
  return { url: other.url(), busy: await page.$eval("#product", (entry) => entry.ariaBusy), pages: pages.length };
}

try {
  console.log(JSON.stringify(await (task.addresses ? look(task) : doubleClick(task))));
} finally {
  await browser.close();
}
