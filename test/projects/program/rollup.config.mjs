import commonjs from '@rollup/plugin-commonjs';
import json from '@rollup/plugin-json';
import nodeResolve from '@rollup/plugin-node-resolve';

export default {
  input: 'main.ts',
  output: [
    { file: 'out/rollup.mjs', format: 'es' },
    { file: 'out/rollup.cjs', format: 'cjs' },
  ],
  // undici requires node:sqlite only for its cache, and Node 20 has none.
  plugins: [nodeResolve({ preferBuiltins: true }), commonjs({ ignore: ['node:sqlite'] }), json()],
};
