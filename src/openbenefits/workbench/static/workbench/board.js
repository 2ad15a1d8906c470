// A card dropped on a column presses the button that would move it there; without this file the buttons do.
(() => {
  const lanes = document.querySelectorAll(".lane");
  let dragged = null;
  document.querySelectorAll(".piece[draggable]").forEach((card) => {
    card.addEventListener("dragstart", (event) => {
      dragged = card;
      event.dataTransfer.setData("text/plain", card.id);
    });
    card.addEventListener("dragend", () => {
      dragged = null;
      lanes.forEach((lane) => lane.classList.remove("over"));
    });
  });
  lanes.forEach((lane) => {
    lane.addEventListener("dragover", (event) => {
      if (dragged) {
        event.preventDefault();
        lane.classList.add("over");
      }
    });
    lane.addEventListener("dragleave", () => lane.classList.remove("over"));
    lane.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!dragged || dragged.closest(".lane") === lane) return;
      const form = dragged.querySelector("form");
      const status = document.createElement("input");
      status.type = "hidden";
      status.name = "status";
      status.value = lane.dataset.status;
      form.append(status);
      form.submit();
    });
  });
})();
