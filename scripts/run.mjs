/** The entry of every npm script: `node scripts/run.mjs COMMAND …`. Plain syntax and no imports, so that an old Node can still read why it is refused. */

const OLDEST = /** @type {const} */ ([20, 19]);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `Stopkeeper needs Node.js ${OLDEST.join('.')} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      'What to do: install a current Node.js (https://nodejs.org), or switch with your version manager.\n',
  );
  process.exit(2);
}
const { main } = await import('./commands.mjs');
await main(process.argv.slice(2));
