// The tab's token, by which a reloaded or dropped tab gets back what was drawn and uploaded in it.
const NAME = "digitrec-tab";
const FULL = "digitrec-tab-full"; // set while there is something that can be lost
const tab = (window.digitrecTab ??= { held: undefined, warns: false });

const warn = (event) => {
  event.preventDefault();
  event.returnValue = "";
};

export default function ({ data, setStateValue }) {
  let works = true;
  try {
    if (tab.held === undefined) {
      tab.held = sessionStorage.getItem(NAME);
      if (tab.held && tab.held !== data.token) {
        setStateValue("held", { token: tab.held, full: Boolean(sessionStorage.getItem(FULL)) });
      }
    }
    // Not before what the former token led to has arrived: another reload would find nothing.
    if (!tab.held || tab.held === data.got) {
      sessionStorage.setItem(NAME, data.token);
      sessionStorage.setItem(FULL, data.content ? "yes" : "");
    }
  } catch {
    works = false; // the browser does not allow it
  }
  const warns = data.content && !(data.kept && works);
  if (warns !== tab.warns) window[warns ? "addEventListener" : "removeEventListener"]("beforeunload", warn);
  tab.warns = warns;
}
