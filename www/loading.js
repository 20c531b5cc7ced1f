// Says why the page does not start, or stopped.
(function () {
  function tell(text) {
    var line = document.getElementById("loading-text");
    if (line) line.textContent = text;
    return Boolean(line);
  }
  if (typeof WebAssembly !== "object") {
    tell("tabraft needs WebAssembly, which this browser does not have or does not allow.");
    return;
  }
  var stopped = false;
  function failed(reason) {
    var why = (reason && reason.message) || reason || "a file is missing";
    if (tell("tabraft did not start: " + why + ". Reload to try again.")) return;
    // A program that trapped shows an old state for ever: that must be said.
    if (stopped || !(reason instanceof WebAssembly.RuntimeError)) return;
    stopped = true;
    var notice = document.createElement("p");
    notice.className = "notice halted";
    notice.setAttribute("role", "alert");
    notice.textContent = "The page's program failed (" + why + "). What it shows may be old. ";
    var again = document.createElement("button");
    again.textContent = "Reload";
    again.onclick = function () { location.reload(); };
    notice.append(again);
    document.body.append(notice);
  }
  addEventListener("error", function (e) { failed(e.error || e.message); });
  addEventListener("unhandledrejection", function (e) { failed(e.reason); });
})();
