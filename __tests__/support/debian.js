'use strict';
// Programs of another Debian than this machine's, or for users who may not install any: unpacked
// into a folder of their own and run by their own loader. apt gets a private configuration, with
// this machine's mirror and Debian's keys.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');

const execute = promisify(execFile);
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Of the dependencies only libraries matter: nothing is configured, no service is set up. */
const LIBRARY = /^(lib(?!.*(gconv|perl|systemd-shared|pam-modules|sasl2-modules))|zlib)/;

async function run(command, args, options) {
  const { stdout } = await execute(command, args, { maxBuffer: 1 << 26, ...options });
  return stdout;
}

/** Where this machine's own Debian packages come from. */
async function mirror() {
  const format = ['--format', '$(SITE) $(ORIGIN) $(CREATED_BY)'];
  const targets = await run('apt-get', ['indextargets', ...format]);
  const site = /^(\S+) Debian Packages$/m.exec(targets)?.[1];
  if (!site) throw new Error('apt names no Debian mirror: sudo apt-get update');
  return site;
}

async function configureApt(directory, suite) {
  const sources = path.join(directory, 'sources.list');
  for (const part of ['state/lists/partial', 'cache/archives/partial', 'etc']) {
    fs.mkdirSync(path.join(directory, part), { recursive: true });
  }
  fs.writeFileSync(path.join(directory, 'status'), '');
  fs.writeFileSync(sources, `deb [signed-by=${KEYS}] ${await mirror()} ${suite} main\n`);
  const settings = {
    Dir: directory,
    'Dir::State': path.join(directory, 'state'),
    'Dir::State::status': path.join(directory, 'status'),
    'Dir::Cache': path.join(directory, 'cache'),
    'Dir::Etc': path.join(directory, 'etc'),
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Acquire::Languages': 'none',
    // A mirror that is a snapshot has an old date; the signature is checked all the same.
    'Acquire::Check-Valid-Until': 'false',
    'APT::Sandbox::User': '',
    'APT::Install-Recommends': 'false',
  };
  const file = path.join(directory, 'apt.conf');
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";`);
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
  return { ...process.env, APT_CONFIG: file };
}

/** The folder of this user for what was unpacked, readable for the users that servers run as. */
function shelf() {
  const directory = path.join(os.tmpdir(), `polypool-debian-${process.getuid()}`);
  fs.mkdirSync(directory, { recursive: true });
  if (fs.statSync(directory).uid !== process.getuid()) throw new Error(`${directory}: not ours`);
  return directory;
}

/**
 * Unpacks a package of `suite` with the libraries it needs, once per machine; `parts` are other
 * packages that it does not work without. Gives a function from program and arguments to the
 * command line that runs it; its `root` is the folder.
 */
async function unpack(name, suite, parts = []) {
  const place = path.join(shelf(), `${suite}-${name}`);
  if (!fs.existsSync(place)) {
    const fresh = await fetchPackages([name, ...parts], suite);
    try {
      fs.renameSync(path.join(fresh, 'root'), place);
    } catch (error) {
      // Another test file was faster.
      if (!fs.existsSync(place)) throw error;
    } finally {
      fs.rmSync(fresh, { recursive: true, force: true });
    }
  }
  return Object.assign((program, args) => loaded(place, program, args), { root: place });
}

async function fetchPackages(names, suite) {
  const [name] = names;
  const directory = fs.mkdtempSync(path.join(shelf(), 'fresh-'));
  try {
    const env = await configureApt(directory, suite);
    await run('apt-get', ['update', '-q'], { env });
    const plan = await run('apt-get', ['install', '-qqs', name], { env });
    const needed = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, dependency]) => dependency);
    const wanted = needed.filter((needs) => names.includes(needs) || LIBRARY.test(needs));
    const downloads = path.join(directory, 'cache');
    await run('apt-get', ['download', '-q', ...wanted], { env, cwd: downloads });
    for (const file of fs.readdirSync(downloads).filter((entry) => entry.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', path.join(downloads, file), path.join(directory, 'root')]);
    }
    return directory;
  } catch (error) {
    fs.rmSync(directory, { recursive: true, force: true });
    throw new Error(`${name} of Debian ${suite} cannot be had: ${error.message}`, { cause: error });
  }
}

/** The command line that runs an unpacked program with the libraries beside it. */
function loaded(root, program, args) {
  const libraries = ['lib', 'usr/lib']
    .map((folder) => path.join(root, folder))
    .filter((folder) => fs.existsSync(folder))
    .flatMap((folder) => fs.readdirSync(folder).map((entry) => path.join(folder, entry)))
    .filter((entry) => fs.statSync(entry).isDirectory());
  const loader = libraries
    .flatMap((folder) => fs.readdirSync(folder).map((file) => path.join(folder, file)))
    .find((file) => /\/ld-linux[^/]*\.so\.\d+$/.test(file));
  return [loader, ['--library-path', libraries.join(':'), path.join(root, program), ...args]];
}

module.exports = { shelf, unpack };
