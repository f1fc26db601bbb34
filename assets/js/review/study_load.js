// A study's JSON: fetched ahead for the next one, and asked for again, with words, while the server is away.
window.overread = window.overread || {};

overread.studyLoad = (function () {
  "use strict";

  const RETRY_MS = [1000, 2000, 4000, 8000, 15000];
  const FRESH_MS = 120000; // what was fetched ahead is not shown after that
  const AWAY = "The server does not answer.";
  let ahead = null; // {id, study, at}
  let wake = () => {};

  class NotThere extends Error {
    gone = true;
  }

  async function ask(id) {
    const response = await fetch(`/api/studies/${id}`, { headers: { Accept: "application/json" } }).catch(() => null);
    const body = await response?.json().catch(() => null);
    if (response?.ok && body) return body;
    if (response && response.status < 500) throw new NotThere(body?.error || "The server could not open it.");
    throw new Error(body?.error || AWAY);
  }

  const isFresh = (id) => ahead?.id === id && performance.now() - ahead.at < FRESH_MS;

  // Fetches a study and the slice on which it opens, so that both are at hand when it is asked for.
  async function prepare(id) {
    if (isFresh(id)) return ahead.study;
    const study = await ask(id);
    ahead = { id, study, at: performance.now() };
    const k = overread.review.firstSlice(study, null);
    const channel = Math.max(0, study.channels.findIndex(({ start }) => start));
    const addresses = [overread.overlays.address(study.pixels_url, k, channel)];
    if (study.result?.slices[k].tumor) addresses.push(overread.overlays.address(study.result.probability_url, k));
    if (study.reference_url) addresses.push(overread.overlays.address(study.reference_url, k));
    await Promise.all(addresses.map((url) => fetch(url, { priority: "low" }).then((response) => response.arrayBuffer()).catch(() => null)));
    return study;
  }

  function takeAhead(id) {
    if (!isFresh(id) || !ahead.study.result) return null; // an analysis that runs has news every second
    const { study } = ahead;
    ahead = null; // the viewer writes into it
    return study;
  }

  function pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  // In the place where the image will be.
  function say(words) {
    const box = document.getElementById("viewer-message");
    if (!box) return;
    box.hidden = !words;
    document.getElementById("viewer-message-text").textContent = words;
    document.getElementById("viewer-retry").hidden = !words;
  }

  // The study; null once nobody wants it any more. While it is waited for, the page says why. Fails where there is no
  // such study.
  async function get(id, isWanted) {
    for (let tries = 0; isWanted(); tries++) {
      try {
        const study = takeAhead(id) || (await ask(id));
        if (tries) say("");
        return isWanted() ? study : null;
      } catch (error) {
        if (error.gone) throw error;
        if (!isWanted()) return null;
        say(`${error.message} Trying again.`);
      }
      await pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
    }
    return null;
  }

  window.addEventListener("online", () => wake());
  document.addEventListener("click", (event) => event.target.closest("#viewer-retry") && wake());

  return { get, prepare };
})();
