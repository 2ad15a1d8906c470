/* Sliders beside the numbers: each shows and sets its number. Without scripts there are the numbers alone. */
for (const slider of document.querySelectorAll("[data-weight-of]")) {
  const number = document.getElementById(slider.dataset.weightOf);
  slider.hidden = false;
  slider.value = number.value;
  slider.addEventListener("input", () => { number.value = slider.value; });
  number.addEventListener("input", () => { slider.value = number.value; });
}
