"""What kind of thing a class of the visual encoder is, told from its name alone."""

_OF_KIND = """
dog: terrier hound bloodhound coonhound foxhound wolfhound greyhound elkhound otterhound deerhound ridgeback spaniel
 retriever setter pointer sheepdog schnauzer poodle mastiff bulldog collie
cat: tabby
bird: rooster hen ostrich brambling goldfinch finch junco bunting robin bulbul jay magpie chickadee ouzel eagle vulture
 owl grouse ptarmigan peacock quail partridge parrot macaw cockatoo lorikeet coucal eater hornbill hummingbird jacamar
 toucan duck merganser goose swan stork spoonbill flamingo heron egret bittern limpkin gallinule coot bustard turnstone
 dunlin redshank dowitcher oystercatcher pelican penguin albatross
fish: tench goldfish salmon eel sturgeon gar barracuda clownfish lionfish
shark: shark
snake: constrictor python cobra mamba viper rattlesnake sidewinder
lizard: gecko iguana agama monster chameleon dragon
turtle: terrapin
frog: bullfrog
spider: tarantula
monkey: guenon baboon macaque langur colobus marmoset capuchin
ape: orangutan gorilla chimpanzee gibbon siamang
bear: bear
wolf: wolf coyote
crab: crab
beetle: ladybug weevil
butterfly: butterfly
antelope: hartebeest impala gazelle
elephant: elephant
mushroom: mushroom
car: taxi convertible limousine jeep minivan wagon
truck: truck van
boat: canoe speedboat sailboat lifeboat fireboat gondola catamaran trimaran yawl
ship: ship schooner liner
train: locomotive train
bus: minibus trolleybus bus
guitar: guitar
clock: clock
hat: sombrero hat mortarboard
ball: ball baseball basketball volleyball
"""
_KINDS = {
    member: kind.strip()
    for kind, members in (part.split(":") for part in _OF_KIND.replace("\n ", " ").strip().splitlines())
    for member in (*members.split(), kind.strip())
}
_WHOLE = {
    "hot dog": "hot dog", "bird of prey": "bird", "elephant with tusks": "elephant", "prairie chicken": "bird",
    "crane bird": "bird", "water ouzel": "bird", "rock beauty fish": "fish", "race car": "car", "sports car": "car",
    "freight car": "freight car", "police van": "van", "camper van": "van", "Polaroid camera": "camera",
    "reflex camera": "camera", "pirate ship": "ship", "pair of dark glasses": "pair of sunglasses",
    "one-piece bathing suit": "swimsuit", "bikini": "swimsuit", "cob of corn": "ear of corn",
    "teddy bear": "teddy bear", "black widow": "spider", "computer monitor": "screen",
    "desktop computer": "computer", "notebook computer": "laptop",
}  # fmt: skip
"""Names whose last word tells another kind than they are, or which have no kind of their own."""


def kind(name: str) -> str:
    """The kind of a class, such as "dog" for "golden retriever"; the name itself when it has none."""
    if name in _WHOLE:
        return _WHOLE[name]
    if " of " in name:
        return name
    last = name.rsplit(" ", 1)[-1]
    return _KINDS.get(last, name)
