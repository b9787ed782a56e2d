/**
 * Compiles the files of several TypeScript projects by the compiler's API: `node check-types.cjs TYPESCRIPT PROJECT…`. It checks
 * the files and the declarations of pillion, but not those of other libraries, which take most of the time.
 */
const { basename, join } = require('node:path');

const [compiler, ...projects] = process.argv.slice(2);
const ts = require(compiler);

/** Declarations of the language and of Node are the same in every project, and parsing them takes seconds. */
const standing = new Map();

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
  host.getSourceFile = (path, ...rest) => {
    if (!/\/@types\/node\/|\/lib\/lib\.[\w.]+\.d\.ts$/.test(path)) return parse(path, ...rest);
    if (!standing.has(path)) standing.set(path, parse(path, ...rest));
    return standing.get(path);
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
