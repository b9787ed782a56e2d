/** As the command line of Nest has it: nothing is made smaller. */
module.exports = {
  mode: 'none',
  target: 'node',
  entry: './main.ts',
  output: { path: `${__dirname}/out`, filename: 'webpack.cjs' },
};
