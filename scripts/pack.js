'use strict';
// Makes the tarballs to publish, in the folder given: the main package, which names the platform
// packages as optional dependencies of its own version, and the package of this platform.
//   node scripts/pack.js <folder>
// The names stay out of the package.json of the checkout: npm would look for them on every install.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const target = require('../lib/platform.js');

const root = path.join(__dirname, '..');
const read = (...parts) => JSON.parse(fs.readFileSync(path.join(root, ...parts), 'utf8'));

const platforms = () => fs.readdirSync(path.join(root, 'npm'));

function stageMain(folder) {
  const manifest = read('package.json');
  const left = manifest.files.filter((name) => name.startsWith('!')).map((name) => name.slice(1));
  const filter = (source) => !left.includes(path.relative(root, source));
  for (const name of manifest.files.filter((name) => !name.startsWith('!'))) {
    fs.cpSync(path.join(root, name), path.join(folder, name), { recursive: true, filter });
  }
  delete manifest.scripts;
  delete manifest.devDependencies;
  const packages = platforms().map((platform) => [`polypool-${platform}`, manifest.version]);
  manifest.optionalDependencies = Object.fromEntries(packages);
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function stagePlatform(folder) {
  fs.cpSync(path.join(root, 'npm', target.platform), folder, { recursive: true });
  fs.copyFileSync(path.join(root, target.file), path.join(folder, target.file));
  const { name, version } = read('npm', target.platform, 'package.json');
  if (version !== read('package.json').version) throw new Error(`${name} has another version`);
}

/** Stages a package beside the tarballs, packs it and returns what npm says about the tarball. */
function pack(destination, name, stage) {
  const folder = path.join(destination, `${name}.staged`);
  fs.mkdirSync(folder, { recursive: true });
  stage(folder);
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination, folder];
  const [tarball] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' }));
  fs.rmSync(folder, { recursive: true });
  return { ...tarball, path: path.join(destination, tarball.filename) };
}

function packAll(destination) {
  fs.mkdirSync(destination, { recursive: true });
  return [
    pack(destination, 'polypool', stageMain),
    pack(destination, target.package, stagePlatform),
  ];
}

module.exports = { packAll };

if (require.main === module) {
  if (!process.argv[2]) throw new Error('usage: node scripts/pack.js <folder>');
  for (const { path: file, size } of packAll(path.resolve(process.argv[2]))) {
    console.log(`${file} (${size} bytes)`);
  }
}
