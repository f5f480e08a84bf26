// LiteRT writes all that it says to the console's errors, with the level in front. Imported before it is
// loaded, this gives each line its own level.

const LEVELS = { INFO: console.info, WARNING: console.warn };
const error = console.error;

console.error = (...said) => {
  const [, level] = /^(INFO|WARNING): /.exec(String(said[0])) ?? [];
  (LEVELS[level] ?? error).apply(console, said);
};
