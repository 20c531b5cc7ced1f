// Milliseconds of the wall clock, finer than Date tells, the same in all processes. Whatever comes
// between a tick of Date and the look at the other clock makes it too little, so the most is taken.
const skew = Math.max(...Array.from({ length: 8 }, () => {
  const before = Date.now();
  while (Date.now() === before);
  return Date.now() - performance.now();
}));
const wallMs = () => performance.now() + skew;
const untilWall = (ms) => new Promise((done) => setTimeout(done, ms - wallMs()));
