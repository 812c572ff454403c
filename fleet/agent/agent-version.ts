/** Version of this agent, in every handshake and segment. */
export const agentVersion = '0.1.0';
