/**
 * Compiles the files of several TypeScript projects by the compiler's API: `node check-types.cjs TYPESCRIPT PROJECT…`. It checks
 * the files and the declarations of pillion, but not those of other libraries, which take most of the time.
 */
const { basename, join } = require('node:path');

const [compiler, ...projects] = process.argv.slice(2);
const ts = require(compiler);

/**
 * Declarations that several projects read, which take seconds to parse and to bind. Those of other libraries may be of an ES module in
 * one way to resolve modules and of none in another, and then are parsed for each; those of the language and of Node are the same in all.
 */
const declarations = new Map();

function keyOf(path, { languageVersion, impliedNodeFormat }) {
  const everywhere = /\/@types\/node\/|\/lib\/lib\.[\w.]+\.d\.ts$/.test(path);
  return [path, languageVersion, everywhere ? '' : impliedNodeFormat].join(' ');
}

function check(project) {
  const fail = ({ messageText }) => {
    throw new Error(String(messageText));
  };
  const file = join(project, 'tsconfig.json');
  const config = ts.getParsedCommandLineOfConfigFile(
    file,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail },
  );
  const host = ts.createCompilerHost(config.options);
  const parse = host.getSourceFile.bind(host);
  host.getSourceFile = (path, options, ...rest) => {
    if (!/\.d\.[cm]?ts$/.test(path)) return parse(path, options, ...rest);
    const key = keyOf(path, options);
    if (!declarations.has(key)) declarations.set(key, parse(path, options, ...rest));
    return declarations.get(key);
  };
  const program = ts.createProgram(config.fileNames, config.options, host);
  const own = program.getSourceFiles().filter(({ fileName }) => !/\/node_modules\/(?!pillion\/)/.test(fileName));
  const faults = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...own.flatMap((each) => [...program.getSyntacticDiagnostics(each), ...program.getSemanticDiagnostics(each)]),
  ];
  // `program.emit` would check all libraries.
  for (const name of config.fileNames) {
    const { outputText } = ts.transpileModule(ts.sys.readFile(name), {
      fileName: name,
      compilerOptions: config.options,
    });
    ts.sys.createDirectory(config.options.outDir);
    ts.sys.writeFile(join(config.options.outDir, basename(name).replace(/ts$/, 'js')), outputText);
  }
  const format = { getCanonicalFileName: (path) => path, getCurrentDirectory: () => project, getNewLine: () => '\n' };
  return { files: own.length, faults: ts.formatDiagnostics(faults, format) };
}

console.log(JSON.stringify(projects.map(check)));
