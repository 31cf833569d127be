Vue.createApp({ data: () => ({ look: "is-active now" }) }).mount("#app");
