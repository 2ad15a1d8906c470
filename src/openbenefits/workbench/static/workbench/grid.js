// Keys and the clipboard of a grid of rates; without this file every cell is reached by Tab.
(() => {
  const grid = document.querySelector("table.grid");
  if (!grid) return;
  const told = document.getElementById("grid-told");
  const lines = [...grid.tBodies[0].rows].map((row) =>
    [...row.querySelectorAll("td")].map((cell) => cell.querySelector("input")),
  );
  const placeOf = (input) => {
    const down = lines.findIndex((line) => line.includes(input));
    return [down, lines[down].indexOf(input)];
  };
  const mark = (input) =>
    input.parentElement.classList.toggle("touched", input.value !== input.defaultValue);
  const go = (input, down, right) => {
    let [row, column] = placeOf(input);
    do {
      row += down;
      column += right;
    } while (lines[row] && lines[row][column] === null);
    const next = lines[row] && lines[row][column];
    if (!next) return false;
    next.focus();
    next.select();
    return true;
  };
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [1, 0] };
  grid.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!input.matches("input")) return;
    let step = steps[event.key];
    if (event.key === "ArrowLeft" && input.selectionEnd === 0) step = [0, -1];
    if (event.key === "ArrowRight" && input.selectionStart === input.value.length) step = [0, 1];
    if (event.key === "Escape") {
      input.value = input.defaultValue;
      mark(input);
    }
    if (step) {
      event.preventDefault();
      go(input, ...step);
    }
  });
  grid.addEventListener("input", (event) => mark(event.target));
  grid.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain").replace(/\r\n/g, "\n").replace(/\n$/, "");
    if (!/[\t\n]/.test(text)) return;
    event.preventDefault();
    const [row, column] = placeOf(event.target);
    let filled = 0;
    let lost = 0;
    text.split("\n").forEach((line, down) =>
      line.split("\t").forEach((value, right) => {
        const input = lines[row + down] && lines[row + down][column + right];
        if (!value.trim()) return;
        if (!input) {
          lost += 1;
          return;
        }
        input.value = value.trim();
        mark(input);
        filled += 1;
      }),
    );
    told.textContent = `${filled} ${grid.dataset.filled}${lost ? `; ${lost} ${grid.dataset.lost}` : ""}.`;
  });
})();
