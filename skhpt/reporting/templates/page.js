"use strict";
for (const box of document.querySelectorAll(".sortable")) {
  const body = box.querySelector("tbody");
  const heads = [...box.querySelectorAll("thead th")];
  const rows = [...body.rows].map(row => ({
    row,
    text: row.textContent.toLowerCase(),
    cells: [...row.cells].map(cell => {
      const text = cell.dataset.v ?? cell.textContent;
      return { text, number: text === "" || text === "–" ? NaN : Number(text) };
    }),
  }));

  // Numbers come first, then texts; empty cells and dashes stay last in both directions.
  function compare(a, b, sign) {
    const isEmpty = cell => cell.text === "" || cell.text === "–";
    if (isEmpty(a) || isEmpty(b)) return isEmpty(a) - isEmpty(b);
    const [isText, isOtherText] = [isNaN(a.number), isNaN(b.number)];
    if (isText !== isOtherText) return isText - isOtherText;
    return sign * (isText ? a.text.localeCompare(b.text) : a.number - b.number);
  }

  function sort(i) {
    const sign = heads[i].getAttribute("aria-sort") === "ascending" ? -1 : 1;
    rows.sort((a, b) => compare(a.cells[i], b.cells[i], sign));
    heads.forEach(head => head.removeAttribute("aria-sort"));
    heads[i].setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    body.append(...rows.map(each => each.row));
  }

  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(i));
    head.append(button);
  });

  const filter = document.createElement("div");
  const input = document.createElement("input");
  const output = document.createElement("output");
  const label = document.createElement("label");
  filter.className = "filter";
  input.type = "search";
  input.placeholder = "words that a row contains";
  label.append("Filter ", input);
  filter.append(label, output);
  box.before(filter);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let n = 0;
    for (const { row, text } of rows) {
      row.hidden = !words.every(word => text.includes(word));
      n += !row.hidden;
    }
    output.textContent = input.value ? `${n} of ${rows.length} rows` : "";
  });
}
