// Updates the progress bar of the demo's check, and reloads the page when the check is finished.
const progress = document.querySelector("progress");
const text = document.querySelector("#done");

async function update() {
  const response = await fetch(location.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const newProgress = page.querySelector("progress");
  if (newProgress === null) {
    location.reload();
    return;
  }
  progress.max = newProgress.max;
  progress.value = newProgress.value;
  text.textContent = page.querySelector("#done").textContent;
  setTimeout(update, 500);
}

if (progress !== null) {
  setTimeout(update, 500);
}
