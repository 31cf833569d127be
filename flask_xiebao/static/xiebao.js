// Flask-Xiebao: an entry is followed once, however often it is clicked, and a handoff counts down.
// Without this script everything works: entries are links, and codes end by themselves.
(() => {
  const KEY = Symbol.for("flask-xiebao");
  if (document[KEY]) return; // Turbo runs the scripts of a body again with each page
  document[KEY] = true;

  // For how many milliseconds an entry is busy: one that opened another window or is downloaded,
  // one whose page has not left (somebody may have stopped it), and one for which the site had
  // other plans.
  const OPENED = 2000;
  const LEAVING = 10000;
  const PREVENTED = 500;
  const GOING = '.htmx-request, :is(html, turbo-frame)[aria-busy="true"]';
  const followed = new Map(); // entry: the timer that ends it

  function release(entry) {
    clearTimeout(followed.get(entry));
    followed.delete(entry);
    entry.removeAttribute("aria-busy");
  }

  function hold(entry, milliseconds) {
    clearTimeout(followed.get(entry));
    const timer = setTimeout(release, milliseconds, entry);
    followed.set(entry, timer);
    return timer;
  }

  addEventListener(
    "click",
    (event) => {
      const link = event.target instanceof Element && event.target.closest("a.xiebao-entry");
      if (!link) return;
      const entry = link.closest(".xiebao-entry--card") ?? link; // a card may have two links
      const disabled = link.getAttribute("aria-disabled") === "true";
      if (!disabled && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
      // A click by a script is the site's, which may have asked something first.
      if (disabled || (followed.has(entry) && event.isTrusted)) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      const timer = hold(entry, LEAVING);
      // The site's own handlers come after this one; HTMX and Turbo say that they go there.
      setTimeout(() => {
        if (followed.get(entry) !== timer) return; // one of them clicked it itself
        if (event.defaultPrevented && !link.closest(GOING)) {
          hold(entry, PREVENTED);
          return;
        }
        entry.setAttribute("aria-busy", "true");
        if ((link.target && link.target !== "_self") || link.hasAttribute("download")) hold(entry, OPENED);
      });
    },
    true,
  );

  // The page is back from the browser's memory, as it was when it left.
  addEventListener("pageshow", (event) => {
    if (event.persisted) [...followed.keys()].forEach(release);
  });

  function countDown(shown) {
    const came = Date.now() - performance.now();
    const tick = () => {
      // One clock stands still while a device sleeps, the other may be set.
      const passed = Math.max(performance.now(), Date.now() - came);
      const seconds = Math.ceil(shown.dataset.xiebaoSeconds - passed / 1000);
      if (seconds > 0) {
        const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
        shown.textContent = shown.dataset.xiebaoLeft.replace("{time}", time);
        setTimeout(tick, 1000);
        return;
      }
      shown.setAttribute("role", "alert");
      shown.textContent = shown.dataset.xiebaoOver;
      // The code ends by itself, but the clock by which it does stands still while a device sleeps.
      document.querySelector(".xiebao-qr")?.setCurrentTime(shown.dataset.xiebaoSeconds);
    };
    tick();
  }

  document.querySelectorAll("[data-xiebao-seconds]").forEach(countDown);
})();
