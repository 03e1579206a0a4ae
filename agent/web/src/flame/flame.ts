// What is loaded when the first profile is shown, and not before.

export { createFlameGraph } from './flame_graph';
export { profileTree, readStacks } from './profile';
