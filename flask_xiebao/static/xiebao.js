// Flask-Xiebao: keeps a repeated click on an entry from opening it twice, and counts down on a
// handoff page. Everything works without this script: entries are links, and QR codes end by
// themselves.
(() => {
  const KEY = Symbol.for("flask-xiebao");
  if (document[KEY]) return; // Turbo runs the scripts in a body again on each page.
  document[KEY] = true;

  // How long an entry stays busy, in milliseconds.
  const BUSY_IN_NEW_WINDOW = 2000; // The link opened another window or started a download.
  const BUSY_WHILE_LEAVING = 10000; // If the page is still here, the user may have stopped loading.
  const BUSY_IF_PREVENTED = 500; // The site prevented the navigation.
  // HTMX and Turbo mark elements in this way while they navigate.
  const NAVIGATING = '.htmx-request, :is(html, turbo-frame)[aria-busy="true"]';
  const busyTimers = new Map(); // From each busy entry to the timer that releases it.

  function release(entry) {
    clearTimeout(busyTimers.get(entry));
    busyTimers.delete(entry);
    entry.removeAttribute("aria-busy");
  }

  function hold(entry, milliseconds) {
    clearTimeout(busyTimers.get(entry));
    const timer = setTimeout(release, milliseconds, entry);
    busyTimers.set(entry, timer);
    return timer;
  }

  addEventListener(
    "click",
    (event) => {
      const link = event.target instanceof Element && event.target.closest("a.xiebao-entry");
      if (!link) return;
      const entry = link.closest(".xiebao-entry--card") ?? link; // A card may have two links.
      const disabled = link.getAttribute("aria-disabled") === "true";
      if (!disabled && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
      // A click by a script is allowed, because the site may have asked for confirmation first.
      if (disabled || (busyTimers.has(entry) && event.isTrusted)) {
        event.preventDefault();
        event.stopImmediatePropagation();
        return;
      }
      const timer = hold(entry, BUSY_WHILE_LEAVING);
      // Wait for the site's own handlers. HTMX and Turbo prevent the event, but navigate themselves.
      setTimeout(() => {
        if (busyTimers.get(entry) !== timer) return; // A handler clicked the entry again.
        if (event.defaultPrevented && !link.closest(NAVIGATING)) {
          hold(entry, BUSY_IF_PREVENTED);
          return;
        }
        entry.setAttribute("aria-busy", "true");
        if ((link.target && link.target !== "_self") || link.hasAttribute("download")) hold(entry, BUSY_IN_NEW_WINDOW);
      });
    },
    true,
  );

  // The browser's back/forward cache restores a page with its busy entries.
  addEventListener("pageshow", (event) => {
    if (event.persisted) [...busyTimers.keys()].forEach(release);
  });

  function countDown(element) {
    const pageOpenedAt = Date.now() - performance.now();
    const tick = () => {
      // performance.now() may stop while the device sleeps, and users can set the clock of Date.now().
      const passed = Math.max(performance.now(), Date.now() - pageOpenedAt);
      const seconds = Math.ceil(element.dataset.xiebaoSeconds - passed / 1000);
      if (seconds > 0) {
        const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
        element.textContent = element.dataset.xiebaoLeft.replace("{time}", time);
        setTimeout(tick, 1000);
        return;
      }
      element.setAttribute("role", "alert");
      element.textContent = element.dataset.xiebaoOver;
      // The SVG also ends the code by itself, but its clock stops while the device sleeps.
      document.querySelector(".xiebao-qr")?.setCurrentTime(element.dataset.xiebaoSeconds);
    };
    tick();
  }

  document.querySelectorAll("[data-xiebao-seconds]").forEach(countDown);
})();
