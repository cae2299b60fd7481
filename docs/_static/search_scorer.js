/* Order of search results: pages for users come before examples, the reference and pages for developers. */
const WEIGHTS = [
  [/^(guide|parallel|migration)\//, 6],
  [/^reference\//, 0],
  [/^auto_examples\//, -1],
  [/^(decisions\/|changelog|architecture|contributing|benchmarks|reliability|development)/, -12],
];

var Scorer = {
  score: ([page, , , , score]) => {
    const weight = WEIGHTS.find(([pattern]) => pattern.test(page));
    return score + (weight ? weight[1] : 0);
  },

  /* The defaults of Sphinx. */
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
