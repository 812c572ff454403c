import type { Argument, Command, Option } from 'commander';

/** What may be typed at one place of the command line; `path` is the words of the command before it, none at the top. */
export interface Place {
  readonly path: string;
  readonly commands: readonly Named[];
  readonly options: readonly Flag[];
  /** What its own words are, in order; the last one again and again where it takes several. */
  readonly words: readonly Value[];
}

export interface Named {
  readonly name: string;
  readonly description: string;
}

export interface Flag {
  readonly flag: string;
  readonly description: string;
  /** What follows it; undefined where nothing does. */
  readonly value: Value | undefined;
}

/** `files` are looked for on the disk; of other values only those that a list names are known. */
export type Value =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'files' | 'any' };

/** Every place of a program, the top first. Nothing hidden; help is everywhere. */
export function placesOf(command: Command, path: readonly string[] = []): readonly Place[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command);
  const besides = defaultOf(command);
  const flags = new Map([...help.visibleOptions(command), ...(besides?.options ?? [])].flatMap(flagsOf));
  return [
    {
      path: path.join(' '),
      commands: subcommands.map((sub) => ({ name: sub.name(), description: sub.description() })).filter(isPlain),
      options: [...flags.values()].filter(({ flag }) => plainWord.test(flag)),
      words: [...command.registeredArguments, ...(besides?.registeredArguments ?? [])].map(wordOf),
    },
    ...subcommands.filter((sub) => sub.name() !== 'help').flatMap((sub) => placesOf(sub, [...path, sub.name()])),
  ];
}

/** What is run where no subcommand is named; its options stand after the group's own name. */
function defaultOf(command: Command): Command | undefined {
  const { _defaultCommandName: name } = command as unknown as { readonly _defaultCommandName?: string | null };
  return command.commands.find((sub) => sub.name() === name);
}

const flagsOf = (option: Option): [string, Flag][] =>
  [option.long, option.short].flatMap((flag): [string, Flag][] =>
    flag === undefined || flag === null
      ? []
      : [
          [
            flag,
            {
              flag,
              description: option.description,
              value: option.required || option.optional ? valueOf(option) : undefined,
            },
          ],
        ],
  );

function valueOf({ argChoices, flags }: Option): Value {
  return argChoices === undefined ? kindOf(flags) : choicesOf(argChoices);
}

function wordOf(argument: Argument): Value {
  return argument.argChoices === undefined ? kindOf(`<${argument.name()}>`) : choicesOf(argument.argChoices);
}

const choicesOf = (choices: readonly string[]): Value => ({
  kind: 'choices',
  choices: choices.filter((choice) => plainWord.test(choice)),
});

/** Commands name what they want: `<file>`, `<folder>`, `<model.onnx>`. */
const kindOf = (placeholder: string): Value => ({
  kind: /[<[][^>\]]*(file|folder|path|draft|onnx|\.json|\.csv)/i.test(placeholder) ? 'files' : 'any',
});

/** A shell takes these as they are; whatever else a name may hold one day is not offered. */
const plainWord = /^[\w@.:,+-]+$/;
const isPlain = ({ name }: Named): boolean => plainWord.test(name);
