import type { Place, Value } from './tree.ts';

/** fish commands that complete \`flywheel\` from what they hold, with descriptions; they start no program. */
export function fishCompletion(places: readonly Place[]): string {
  const valued = new Set(
    places.flatMap(({ options }) => options.flatMap(({ flag, value }) => (value === undefined ? [] : [flag]))),
  );
  const paths = places.map(({ path }) => path).filter((path) => path !== '');
  return `# fish completion of flywheel, made by \`flywheel completion fish\`.
set -g __flywheel_paths ${paths.map(quoted).join(' ')}
set -g __flywheel_valued ${[...valued].map(quoted).join(' ')}
${walk}
complete -c flywheel -e
complete -c flywheel -f
${places.flatMap(linesOf).join('\n')}
`;
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;

function linesOf({ path, commands, options, words }: Place): string[] {
  const at = `complete -c flywheel -n ${quoted(`__flywheel_at ${quoted(path)}`)}`;
  return [
    ...commands.map(
      ({ name, description }) =>
        `complete -c flywheel -n ${quoted(`__flywheel_at ${quoted(path)} 0`)} -a ${quoted(name)} -d ${oneLine(description)}`,
    ),
    ...options.map(({ flag, description, value }) => {
      const name = flag.startsWith('--') ? `-l ${quoted(flag.slice(2))}` : `-s ${quoted(flag.slice(1))}`;
      return `${at} ${name} -d ${oneLine(description)}${value === undefined ? '' : valuesOf(value)}`;
    }),
    ...words.flatMap((word, index) => {
      const more = index === words.length - 1 ? ' more' : '';
      const there = quoted(`__flywheel_at ${quoted(path)} ${index}${more}`);
      return word.kind === 'any' ? [] : [`complete -c flywheel -n ${there}${valuesOf(word)}`];
    }),
  ];
}

const oneLine = (description: string): string => quoted(description.replaceAll(/\s+/g, ' '));

/** `-x`: a word follows, and no file. */
function valuesOf(value: Value): string {
  if (value.kind === 'choices') return ` -x -a ${quoted(value.choices.join(' '))}`;
  return value.kind === 'files' ? ' -r -F' : ' -x';
}

const walk = `
# True where the words so far are those of a command; with a count, where so many other words (or more) follow them.
function __flywheel_at
    set -l at ''
    set -l count 0
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        if string match -q -- '-*' $word
            contains -- $word $__flywheel_valued; and set skip 1
            continue
        end
        set -l longer (string trim -- "$at $word")
        if contains -- $longer $__flywheel_paths
            set at $longer
            set count 0
        else if test $word != help
            set count (math $count + 1)
        end
    end
    test "$at" = "$argv[1]"; and begin
        test (count $argv) -lt 2; or test $count = $argv[2]; or begin
            test (count $argv) = 3; and test $count -gt $argv[2]
        end
    end
end`;
