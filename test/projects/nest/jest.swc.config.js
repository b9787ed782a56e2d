/** The same tests, compiled by swc and not checked. */
module.exports = {
  rootDir: 'src',
  testRegex: '.*\\.spec\\.ts$',
  transform: { '^.+\\.(t|j)s$': '@swc/jest' },
};
