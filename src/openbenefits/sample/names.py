"""Common names, put together at random: nobody in the sample is meant."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WOMEN = _words("""
Abigail Aisha Alice Amelia Ana Beatriz Carmen Clara Diane Elena Emma Esther Fatima Grace Hannah
Helen Ines Irene Jane Joan Karen Keisha Laura Leah Linh Lucia Maria Mei Nadia Nora Olga Priya Rosa
Ruth Sara Sofia Teresa Vera Yara Zoe
""")
MEN = _words("""
Aaron Adam Ahmed Alan Andre Anthony Benjamin Carlos Chen Daniel David Diego Elias Eric Felix George
Hassan Henry Ivan Jacob James Jorge Joseph Kenji Kevin Liam Luis Marcus Mateo Michael Minh Noah Omar
Oscar Paul Peter Rafael Samuel Thomas Victor
""")
FAMILIES = _words("""
Adams Almeida Andrade Baker Barros Bennett Brooks Burke Cabral Carter Chan Clark Collins Costa Cruz
Cunha Daley Diaz Donovan Edwards Evans Ferreira Fisher Flynn Foster Garcia Gomes Gray Green Hall
Hayes Hughes Jackson Johnson Kelly Khan Kim King Lee Lopes Martin Medeiros Mendes Miller Moore
Morris Murphy Nguyen Nolan Nunes Oliveira Ortiz Park Patel Pereira Perry Phillips Pires Quinn Ramos
Reed Reis Rivera Roberts Rocha Ross Ryan Santos Shah Silva Singh Smith Soares Sousa Stone Sullivan
Tavares Taylor Torres Tran Turner Vieira Walsh Wang Ward White Wilson Wong Wood Young
""")
STREETS = _words("""
Main Maple Elm Oak Pleasant Summer Pearl Chestnut Spring Washington Union Water Grove High Park
""")
