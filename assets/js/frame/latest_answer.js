// An answer of the server that follows what changes in the browser. It is asked for a moment after the last change, and a
// request that a change has overtaken is cancelled. The former answer stays until the new one is there.
window.overread = window.overread || {};

overread.latestAnswer = (function () {
  "use strict";

  const SETTLE_MS = 120;
  const PATIENCE_MS = 60000;
  const RETRY_MS = [1000, 3000, 8000];
  const NO_ANSWER = "The server does not answer.";
  const HEADERS = { Accept: "application/json", "Content-Type": "application/json", "X-Overread": "1" };

  // The JSON at an address, or what a body that is sent there is answered with. Errors say what is wrong in a sentence;
  // they are final where asking again would not help.
  async function requestJson(url, { signal, body } = {}) {
    const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(url, { headers: HEADERS, signal, ...options }).catch((error) => {
      throw error.name === "AbortError" ? error : new Error(NO_ANSWER);
    });
    const found = await response.json().catch(() => null);
    if (response.ok && found) return found;
    throw Object.assign(new Error(found?.error || NO_ANSWER), { isFinal: response.status >= 400 && response.status < 500 });
  }

  const same = (a, b) => Boolean(a && b) && a.every((part, i) => part === b[i]);

  // onChange() is called, never at once, when anything of it has changed.
  function create(onChange) {
    let wanted = null, answered = null, answer = null, sentence = "";
    let timer = 0, tries = 0, abort = null;

    function cancel() {
      clearTimeout(timer);
      abort?.abort();
      abort = null;
    }

    async function run(request) {
      const own = new AbortController(), key = wanted;
      abort = own;
      try {
        const found = await request(AbortSignal.any([own.signal, AbortSignal.timeout(PATIENCE_MS)]));
        if (own.signal.aborted) return;
        [answer, answered, sentence] = [found, key, ""];
      } catch (error) {
        if (own.signal.aborted) return;
        sentence = error.isFinal ? error.message : `${error.message} Trying again.`;
        if (!error.isFinal) timer = setTimeout(run, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)], request);
      }
      onChange();
    }

    return {
      // key: a list, of which each part is the same as long as the answer is; request(signal) gives the answer.
      follow(key, request) {
        if (same(key, wanted)) return;
        cancel();
        [wanted, sentence, tries] = [key, "", 0];
        if (!same(key, answered)) timer = setTimeout(run, SETTLE_MS, request);
        queueMicrotask(onChange);
      },
      // Nothing is asked for any more, and the answer is forgotten.
      stop() {
        cancel();
        [wanted, answered, answer, sentence] = [null, null, null, ""];
      },
      // The last answer, which may be that to an earlier key: then it is late.
      get answer() { return answer; },
      get isLate() { return wanted !== null && !same(wanted, answered) && !sentence; },
      // Why there is no answer, where asking failed.
      get sentence() { return sentence; },
    };
  }

  return { create, requestJson };
})();
