// The studies that the reader goes through, in the order in which the worklist showed them: as it was sorted and
// filtered when it was left, kept for this tab; where it was never shown, the server's own order.
window.overread = window.overread || {};

overread.readingList = (function () {
  "use strict";

  const KEPT = "overread.list";
  let fetched = null; // of the server, for as long as the page stays loaded

  // ids as the worklist shows them now; filtered: whether it hides others.
  function keep(ids, filtered) {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ ids, filtered }));
    } catch (error) {
      // too long, or storage is forbidden: the server's order is used
    }
  }

  function kept() {
    try {
      const found = JSON.parse(sessionStorage.getItem(KEPT));
      return Array.isArray(found?.ids) ? found : null;
    } catch (error) {
      return null;
    }
  }

  async function fromServer() {
    const response = await fetch("/api/worklist", { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return { ids: (await response.json()).studies, filtered: false };
  }

  // The list around a study, as {ids, filtered, at}; at is -1 where it is in none. Fails while the server is away.
  async function around(id) {
    const own = kept();
    if (own?.ids.includes(id)) return { ...own, at: own.ids.indexOf(id) };
    if (!fetched?.ids.includes(id)) fetched = await fromServer();
    return { ...fetched, at: fetched.ids.indexOf(id) };
  }

  // A study that is no longer there.
  function drop(id) {
    const own = kept();
    if (own) keep(own.ids.filter((one) => one !== id), own.filtered);
    if (fetched) fetched.ids = fetched.ids.filter((one) => one !== id);
  }

  return { keep, around, drop };
})();
