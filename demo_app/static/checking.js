// Says how far the check of the demo is, and shows what it found when it is over.
const progress = document.querySelector("progress");
const done = document.querySelector("#done");

async function look() {
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.querySelector("progress");
  if (now === null) {
    location.reload();
    return;
  }
  progress.max = now.max;
  progress.value = now.value;
  done.textContent = page.querySelector("#done").textContent;
  setTimeout(look, 500);
}

if (progress !== null) {
  setTimeout(look, 500);
}
