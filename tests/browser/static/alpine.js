document.addEventListener("alpine:init", () =>
  Alpine.data("page", () => ({ look: "is-active now" })),
);
