import type { Agent } from './agent-api.ts';
import type { SetAside } from './recording/set-aside.ts';
import type { Recording } from './recording/recording.ts';
import type { RobotSide } from './robot-side.ts';
import type { VersionKeeper } from './versions/version-keeper.ts';

export interface AgentEndPorts {
  /** Ends what goes on by itself, which is over when `background` resolves. */
  readonly stop: AbortController;
  readonly background: Promise<void>;
  readonly side: RobotSide;
  readonly online: { keep(): Promise<void> };
  readonly settle: (isNow: boolean) => Promise<void>;
  readonly keeper: Pick<VersionKeeper, 'release' | 'stop'>;
  readonly aside: SetAside;
  readonly recording: Recording;
  readonly unlock: () => void;
}

/** The two ways in which an agent ends. */
export function agentEnd(ports: AgentEndPorts): Pick<Agent, 'close' | 'crash'> {
  const { stop, background, keeper, side, online, settle, aside, recording, unlock } = ports;

  async function leave(): Promise<void> {
    stop.abort(new Error('the agent stops'));
    await background;
    await keeper.release();
  }

  return {
    async close() {
      await leave();
      await side.end('aborted', 'agentStopped');
      await online.keep();
      await settle(true);
      await keeper.stop();
      await aside.written();
      recording.close();
      unlock();
    },
    async crash() {
      await leave();
      recording.close();
      unlock();
    },
  };
}
