// Flask-Xiebao: warns in the browser's console about entries whose text is hard to read, because its
// contrast with the background is below 4.5:1. xiebao_script() loads this file only in debug mode.
(() => {
  const KEY = Symbol.for("flask-xiebao-debug");
  if (document[KEY]) return; // Turbo runs the scripts in a body again on each page.
  document[KEY] = true;

  const MINIMUM = 4.5; // WCAG 2, success criterion 1.4.3
  // The token to change for each part of an entry.
  const TOKENS = {
    "entry--outline": "--xiebao-outline",
    "entry--borderless": "--xiebao-outline",
    "entry__action--outline": "--xiebao-outline",
    entry__status: "--xiebao-outline",
    "entry--button": "--xiebao-accent or --xiebao-on-accent",
    entry__action: "--xiebao-accent or --xiebao-on-accent",
    entry__badge: "--xiebao-badge or --xiebao-on-badge",
    entry__price: "--xiebao-price",
    "entry__old-price": "--xiebao-muted",
    entry__text: "--xiebao-muted",
    entry__insurer: "--xiebao-muted",
    entry__terms: "--xiebao-muted",
    entry__extra: "--xiebao-muted",
    "entry__cover-name": "--xiebao-muted",
    "entry__cover-amount": "--xiebao-text",
    entry__title: "--xiebao-text",
    "entry--link": "--xiebao-text",
  };
  const PARTS = Object.keys(TOKENS).map((part) => `.xiebao-${part}`).join();
  const DISABLED = '[aria-disabled="true"], .xiebao-entry--card:has([aria-disabled="true"])';
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  function luminance(color) {
    const [red, green, blue] = [...color].map((channel) => {
      const part = channel / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  // Returns the red, green, blue and alpha of one pixel on which the colors are painted over each other.
  function paint(colors) {
    pen.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
    }
    return pen.getImageData(0, 0, 1, 1).data;
  }

  // Returns false if the background of the element cannot be compared with a color, for example an image.
  function hasPlainBackground(element) {
    const style = getComputedStyle(element);
    return (
      !element.matches("img, svg, video, canvas, iframe, object") &&
      element.getAnimations().length === 0 &&
      style.backgroundImage === "none" &&
      style.backgroundClip !== "text" &&
      style.opacity === "1" &&
      style.filter === "none" &&
      style.backdropFilter === "none" &&
      style.mixBlendMode === "normal"
    );
  }

  // Returns the background colors behind the middle of the element, the lowest first. Returns null if
  // something else covers the element, or if an image or an effect is part of the background.
  function getBackgrounds(element) {
    const { left, top, width, height } = element.getBoundingClientRect();
    const stack = element.getRootNode().elementsFromPoint(left + width / 2, top + height / 2);
    const position = stack.indexOf(element);
    if (position < 0) return null;
    const colors = [];
    for (const layer of stack.filter((other, at) => at >= position || element.contains(other))) {
      if (!hasPlainBackground(layer)) return null;
      colors.unshift(getComputedStyle(layer).backgroundColor);
      if (paint(colors)[3] === 255) return colors;
    }
    return [getCanvasColor(), ...colors];
  }

  // Returns the color that the browser paints behind a page without a background.
  function getCanvasColor() {
    const probe = document.body.appendChild(document.createElement("span"));
    probe.style.setProperty("background-color", "Canvas", "important");
    const color = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return color;
  }

  function check(element) {
    if (!element.textContent.trim() || element.closest(DISABLED)) return;
    const backgrounds = getBackgrounds(element);
    if (!backgrounds) return;
    const { color } = getComputedStyle(element);
    const [lighter, darker] = [paint([...backgrounds, color]), paint(backgrounds)]
      .map((pixel) => luminance(pixel.slice(0, 3)))
      .sort((one, other) => other - one);
    const contrast = (lighter + 0.05) / (darker + 0.05);
    if (contrast >= MINIMUM) return;
    const token = Object.entries(TOKENS).find(([part]) => element.matches(`.xiebao-${part}`))[1];
    console.warn(
      `Flask-Xiebao: "${element.textContent.trim()}" has a contrast of ${contrast.toFixed(2)}:1 with its` +
        ` background. Change ${token}, so that it is at least ${MINIMUM}:1.`,
      element,
    );
  }

  // An element is checked when it becomes visible, because only then the browser knows what is behind it.
  const observer = new IntersectionObserver((changes) => {
    for (const { isIntersecting, target } of changes) if (isIntersecting) check(target);
  });
  function checkAll() {
    observer.disconnect();
    document.querySelectorAll(PARTS).forEach((element) => observer.observe(element));
  }
  addEventListener("load", checkAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", checkAll);
})();
